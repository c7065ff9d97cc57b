#include "scheduler/api/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

#include "scheduler/api/bodies.h"
#include "scheduler/api/testing/memory_reads.h"

namespace millrace::api {
namespace {

TEST(Pool, does_what_is_posted) {
  Pool pool(3, 100);
  std::atomic<int> done = 0;
  std::promise<void> all;
  for (int i = 0; i < 50; ++i)
    EXPECT_TRUE(pool.post([&] {
      if (++done == 50) all.set_value();
    }));
  all.get_future().wait();
}

TEST(Pool, refuses_what_it_cannot_hold_and_drops_it_at_its_end) {
  Pool pool(1, 2);
  std::promise<void> begun;
  std::promise<void> release;
  ASSERT_TRUE(pool.post([&] {
    begun.set_value();
    release.get_future().wait();
  }));
  begun.get_future().wait();
  const auto held = std::make_shared<int>(0);
  std::atomic<bool> ran = false;
  EXPECT_TRUE(pool.post([&ran, held] { ran = true; }));
  EXPECT_TRUE(pool.post([&ran, held] { ran = true; }));
  EXPECT_FALSE(pool.post([&ran, held] { ran = true; }));
  EXPECT_EQ(held.use_count(), 3) << "the third was not kept";
  std::thread stopping([&pool] { pool.stop(); });
  // What waits is dropped when the pool stops, while what runs still does.
  while (held.use_count() > 1) std::this_thread::yield();
  release.set_value();
  stopping.join();
  EXPECT_FALSE(ran);
  EXPECT_FALSE(pool.post([] {}));
}

scheduler::Batch batch_with(const std::string& text) {
  auto attachment = std::make_shared<scheduler::Attachment>();
  attachment->bodies.push_back({hash_of_body(text), text});
  scheduler::Batch batch;
  batch.attachments.push_back({0, std::move(attachment)});
  return batch;
}

TEST(Bodies, are_read_once_and_the_oldest_go_first) {
  MemoryReads reads;
  for (const char* text : {"aaaa", "bbbb", "cccc"}) reads.committed(batch_with(text));
  Bodies bodies(reads, 8);
  EXPECT_EQ(**bodies.get(hash_of_body("aaaa")), "aaaa");
  EXPECT_EQ(**bodies.get(hash_of_body("bbbb")), "bbbb");
  EXPECT_EQ(**bodies.get(hash_of_body("aaaa")), "aaaa");
  EXPECT_EQ(reads.body_reads(), 2);
  EXPECT_EQ(**bodies.get(hash_of_body("cccc")), "cccc");  // in the place of bbbb, used longest ago
  EXPECT_EQ(**bodies.get(hash_of_body("aaaa")), "aaaa");
  EXPECT_EQ(reads.body_reads(), 3);
  EXPECT_EQ(**bodies.get(hash_of_body("bbbb")), "bbbb");
  EXPECT_EQ(reads.body_reads(), 4);
}

TEST(Bodies, one_that_is_lost_is_said_to_be) {
  MemoryReads reads;
  Bodies bodies(reads);
  EXPECT_EQ(bodies.get(hash_of_body("nobody's")).error().code, "body.lost");
  reads.break_down(true);
  EXPECT_EQ(bodies.get(hash_of_body("nobody's")).error().code, "store.unavailable");
}

TEST(Bodies, hashes_are_sha_256) {
  const scheduler::BodyHash hash = hash_of_body("abc");
  EXPECT_EQ(hash[0], 0xba);
  EXPECT_EQ(hash[1], 0x78);
  EXPECT_EQ(hash[31], 0xad);
}

}  // namespace
}  // namespace millrace::api
