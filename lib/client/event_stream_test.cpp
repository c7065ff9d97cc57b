#include "lib/client/event_stream.h"

#include <gtest/gtest.h>

#include <random>

namespace millrace::client {
namespace {

std::vector<ServerEvent> parse(const std::vector<std::string>& pieces) {
  EventParser parser;
  std::vector<ServerEvent> all;
  for (const std::string& piece : pieces) {
    auto events = parser.feed(piece);
    EXPECT_TRUE(events.ok());
    if (events.ok()) all.insert(all.end(), events->begin(), events->end());
  }
  return all;
}

TEST(EventParser, table) {
  struct Case {
    std::string text;
    std::vector<ServerEvent> events;
  };
  const std::vector<Case> cases = {
      {"data: a\n\n", {{"", "message", "a"}}},
      {"id: 1\nevent: run\ndata: a\ndata: b\n\n", {{"1", "run", "a\nb"}}},
      {"data:a\r\n\r\ndata: b\r\r", {{"", "message", "a"}, {"", "message", "b"}}},
      {": ping\n\n", {}},
      {"event: run\n\ndata: x\n\n", {{"", "message", "x"}}},  // an event without data is none
      {"id: 7\n\ndata: x\n\n", {{"7", "message", "x"}}},      // but its id counts
      {"data\n\n", {{"", "message", ""}}},
      {"unknown: x\ndata:  two spaces\n\n", {{"", "message", " two spaces"}}},
      {"data: unfinished\n", {}},
  };
  for (const Case& c : cases) EXPECT_EQ(parse({c.text}), c.events) << c.text;
}

TEST(EventParser, any_cut_gives_the_same_events) {
  const std::string text =
      "id: 1.0\r\nevent: task\r\ndata: {\"a\":1}\r\n\r\n: ping\n\ndata: x\ndata: y\r\rid: 2\ndata: "
      "z\n\n";
  const auto whole = parse({text});
  ASSERT_EQ(whole.size(), 3U);
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = 1 + random() % 7;
      pieces.push_back(text.substr(at, size));
      at += size;
    }
    EXPECT_EQ(parse(pieces), whole) << "seed " << seed;
  }
}

TEST(EventParser, an_endless_event_is_refused) {
  EventParser parser;
  const std::string piece(1 << 20, 'x');
  bool refused = false;
  for (int i = 0; i < 5 && !refused; ++i) refused = !parser.feed(piece).ok();
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace millrace::client
