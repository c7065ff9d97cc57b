#include "lib/http/body_stream.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::http {
namespace {

TEST(BodyStream, gives_what_was_written_in_order_then_its_end) {
  BodyStream stream({});
  EXPECT_TRUE(stream.write("a"));
  EXPECT_TRUE(stream.write("b"));
  stream.finish();
  std::string chunk;
  EXPECT_EQ(stream.take(chunk), BodyStream::Take::kChunk);
  EXPECT_EQ(chunk, "ab");
  EXPECT_EQ(stream.take(chunk), BodyStream::Take::kEnd);
  EXPECT_FALSE(stream.write("after the end"));
}

TEST(BodyStream, joins_small_chunks_but_not_without_bound) {
  BodyStream stream({});
  const std::string big(48 << 10, 'x');
  stream.write(big);
  stream.write(big);
  std::string chunk;
  EXPECT_EQ(stream.take(chunk), BodyStream::Take::kChunk);
  EXPECT_EQ(chunk.size(), big.size());
}

TEST(BodyStream, reader_over_the_bound_is_dropped) {
  BodyStream stream({.max_buffered = 10});
  int gone = 0;
  stream.on_abandoned([&gone] { ++gone; });
  EXPECT_TRUE(stream.write("12345678"));
  EXPECT_EQ(gone, 0);
  EXPECT_FALSE(stream.write("345"));
  EXPECT_EQ(gone, 1);
  EXPECT_TRUE(stream.abandoned());
  std::string chunk;
  EXPECT_EQ(stream.take(chunk), BodyStream::Take::kBroken);
  stream.abandon();
  EXPECT_EQ(gone, 1) << "told once";
}

TEST(BodyStream, one_chunk_may_be_larger_than_the_bound) {
  BodyStream stream({.max_buffered = 10});
  EXPECT_TRUE(stream.write(std::string(100, 'x')));
  EXPECT_FALSE(stream.write("y"));
}

TEST(BodyStream, wakes_when_there_is_something_after_nothing) {
  BodyStream stream({});
  int wakes = 0;
  stream.set_wake([&wakes] { ++wakes; });
  stream.write("a");
  stream.write("b");
  EXPECT_EQ(wakes, 1);
  std::string chunk;
  stream.take(chunk);
  EXPECT_EQ(stream.take(chunk), BodyStream::Take::kNothing);
  stream.write("c");
  EXPECT_EQ(wakes, 2);
  stream.finish();
  EXPECT_EQ(wakes, 3);
}

TEST(BodyStream, tells_when_a_reader_has_caught_up) {
  BodyStream stream({});
  int called = 0;
  stream.when_below(4, [&called] { ++called; });
  EXPECT_EQ(called, 1) << "at once: nothing is buffered";
  stream.write("12345");
  stream.when_below(4, [&called] { ++called; });
  EXPECT_EQ(called, 1);
  std::string chunk;
  stream.take(chunk);
  EXPECT_EQ(called, 2);
}

TEST(BodyStream, a_writer_can_break_it_off) {
  BodyStream stream({});
  int wakes = 0;
  int gone = 0;
  stream.write("a");
  stream.set_wake([&wakes] { ++wakes; });
  stream.on_abandoned([&gone] { ++gone; });
  stream.cut();
  std::string chunk;
  EXPECT_EQ(stream.take(chunk), BodyStream::Take::kBroken);
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(gone, 1);
  EXPECT_FALSE(stream.write("b"));
}

TEST(BodyStream, a_reader_that_goes_frees_all_who_wait) {
  BodyStream stream({});
  int gone = 0;
  int below = 0;
  stream.write("12345");
  stream.on_abandoned([&gone] { ++gone; });
  stream.when_below(0, [&below] { ++below; });
  stream.abandon();
  EXPECT_EQ(gone, 1);
  EXPECT_EQ(below, 1);
  EXPECT_FALSE(stream.write("x"));
  stream.on_abandoned([&gone] { ++gone; });
  EXPECT_EQ(gone, 2) << "at once: it is gone already";
}

}  // namespace
}  // namespace millrace::http
