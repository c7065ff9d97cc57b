#include "scheduler/api/feed.h"

#include <gtest/gtest.h>

namespace millrace::api {
namespace {

namespace events = scheduler::events;
using scheduler::Sequence;
using scheduler::TaskIndex;

const scheduler::RunId kRun(RawId{1, 1});
const scheduler::RunId kOther(RawId{1, 2});

scheduler::WorkflowSpecRef spec() {
  auto spec = std::make_shared<scheduler::WorkflowSpec>();
  spec->tasks.resize(2);
  spec->tasks[0].name = "load";
  spec->tasks[1].name = "out";
  return spec;
}

events::RunCreated created(scheduler::RunId run, const std::string& name,
                           const std::string& ns = "default") {
  events::RunCreated event;
  event.run = run;
  event.ns = ns;
  event.name = name;
  event.workflow = "flights";
  event.spec = spec();
  return event;
}

scheduler::Batch batch(std::uint64_t sequence, std::vector<scheduler::Event> of) {
  scheduler::Batch result;
  result.sequence = Sequence(sequence);
  result.events = std::move(of);
  return result;
}

WatcherRef watcher(EventId position,
                   Interest interest = {.scope = Interest::Scope::kRun, .run = kRun}) {
  return std::make_shared<Watcher>(
      Watcher{.interest = std::move(interest),
              .position = position,
              .stream = std::make_shared<http::BodyStream>(http::BodyStream::Options{})});
}

// What the watcher was sent, as "id:type" joined by spaces.
std::string sent(const WatcherRef& to) {
  std::string all;
  std::string chunk;
  while (to->stream->take(chunk) == http::BodyStream::Take::kChunk) all += chunk;
  std::string text;
  std::size_t at = 0;
  while ((at = all.find("id: ", at)) != std::string::npos) {
    const std::string id = all.substr(at + 4, all.find('\n', at) - at - 4);
    const auto type = all.find("event: ", at) + 7;
    text += (text.empty() ? "" : " ") + id + ":" + all.substr(type, all.find('\n', type) - type);
    at = type;
  }
  return text;
}

class FeedTest : public ::testing::Test {
 protected:
  void apply(std::uint64_t sequence, std::vector<scheduler::Event> of) {
    feed_.applied(batch(sequence, std::move(of)), state_);
  }
  Feed feed_{8};
  scheduler::State state_;
};

TEST_F(FeedTest, a_watcher_hears_what_comes_and_what_it_missed) {
  apply(1, {events::LeaderStarted{}});
  apply(2, {created(kRun, "a"), events::TaskReady{{kRun, TaskIndex(0)}, {}}});
  auto early = watcher(EventId::end_of(Sequence(1)));
  auto late = watcher(EventId{Sequence(2), 0});
  EXPECT_EQ(feed_.advance(early), Feed::Step::kLive);
  EXPECT_EQ(feed_.advance(late), Feed::Step::kLive);
  EXPECT_EQ(sent(early), "2.0:run 2.1:task");
  EXPECT_EQ(sent(late), "2.1:task");
  apply(3, {created(kOther, "b"), events::TaskEnded{{kRun, TaskIndex(0)}, {}, "x", "", {}}});
  EXPECT_EQ(sent(early), "3.1:task") << "nothing of other runs";
  apply(4, {events::RunFinished{kRun, {}, "", {}}});
  std::string chunk;
  EXPECT_EQ(sent(late), "3.1:task 4.0:end");
  EXPECT_EQ(early->stream->take(chunk), http::BodyStream::Take::kChunk);
  EXPECT_EQ(early->stream->take(chunk), http::BodyStream::Take::kEnd);
  EXPECT_EQ(feed_.watchers(), 0u);
}

TEST_F(FeedTest, what_is_not_kept_is_a_gap) {
  auto nothing_yet = watcher(EventId{});
  EXPECT_EQ(feed_.advance(nothing_yet), Feed::Step::kGap);
  apply(5, {created(kRun, "a")});
  EXPECT_EQ(feed_.advance(watcher(EventId{Sequence(3), 0})), Feed::Step::kGap)
      << "from before this leader";
  EXPECT_EQ(feed_.advance(watcher(EventId::end_of(Sequence(4)))), Feed::Step::kLive);
  for (std::uint64_t i = 6; i < 20; ++i) apply(i, {events::TaskReady{{kRun, TaskIndex(0)}, {}}});
  EXPECT_EQ(feed_.advance(watcher(EventId::end_of(Sequence(4)))), Feed::Step::kGap)
      << "forgotten since";
  auto near = watcher(EventId{Sequence(11), 0});
  EXPECT_EQ(feed_.advance(near), Feed::Step::kLive);
  EXPECT_EQ(sent(near),
            "12.0:task 13.0:task 14.0:task 15.0:task 16.0:task 17.0:task 18.0:task 19.0:task");
}

TEST_F(FeedTest, a_long_past_comes_in_pieces) {
  Feed feed(10'000);
  std::vector<scheduler::Event> many{created(kRun, "a")};
  for (int i = 0; i < 1000; ++i) many.emplace_back(events::TaskReady{{kRun, TaskIndex(0)}, {}});
  feed.applied(batch(1, many), state_);
  auto reader = watcher(EventId::end_of(Sequence(0)));
  int pieces = 1;
  std::size_t events_sent = 0;
  const auto count = [&] {
    const std::string text = sent(reader);
    events_sent += static_cast<std::size_t>(std::count(text.begin(), text.end(), ':'));
  };
  while (feed.advance(reader) == Feed::Step::kMore) {
    ++pieces;
    count();
  }
  count();
  EXPECT_GT(pieces, 2);
  EXPECT_EQ(events_sent, 1001u) << "each once";
}

TEST_F(FeedTest, namespaces_hear_their_runs_or_documents) {
  apply(1, {events::LeaderStarted{}});
  auto runs =
      watcher(EventId::end_of(Sequence(1)), {.scope = Interest::Scope::kRuns, .ns = "default"});
  auto documents = watcher(EventId::end_of(Sequence(1)),
                           {.scope = Interest::Scope::kDocuments, .ns = "default"});
  feed_.advance(runs);
  feed_.advance(documents);
  events::DocumentPut put;
  put.kind = "workflows";
  put.name = {"default", "w"};
  events::DocumentPut elsewhere = put;
  elsewhere.name.ns = "other";
  apply(2, {put, elsewhere, created(kRun, "a"), created(kOther, "b", "other"),
            events::TaskReady{{kRun, TaskIndex(0)}, {}}, events::RunFinished{kRun, {}, "", {}}});
  EXPECT_EQ(sent(documents), "2.0:object");
  EXPECT_EQ(sent(runs), "2.2:run 2.5:end");
  EXPECT_EQ(feed_.watchers(), 2u) << "lists have no end";
}

TEST_F(FeedTest, slow_watchers_and_those_removed_are_told_no_more) {
  apply(1, {created(kRun, "a")});
  auto slow =
      std::make_shared<Watcher>(Watcher{.interest = {.scope = Interest::Scope::kRun, .run = kRun},
                                        .position = EventId::end_of(Sequence(1)),
                                        .stream = std::make_shared<http::BodyStream>(
                                            http::BodyStream::Options{.max_buffered = 200})});
  auto gone = watcher(EventId::end_of(Sequence(1)));
  feed_.advance(slow);
  feed_.advance(gone);
  EXPECT_EQ(feed_.watchers(), 2u);
  feed_.remove(gone);
  apply(2, {events::TaskReady{{kRun, TaskIndex(0)}, {}}});
  EXPECT_EQ(sent(gone), "");
  for (std::uint64_t i = 3; i < 9; ++i) apply(i, {events::TaskReady{{kRun, TaskIndex(0)}, {}}});
  EXPECT_EQ(feed_.watchers(), 0u);
  EXPECT_TRUE(slow->stream->abandoned());
}

TEST_F(FeedTest, nobody_is_left_waiting_at_a_leader_that_is_none) {
  apply(1, {created(kRun, "a")});
  auto of_run = watcher(EventId::end_of(Sequence(1)));
  auto of_list =
      watcher(EventId::end_of(Sequence(1)), {.scope = Interest::Scope::kRuns, .ns = "default"});
  feed_.advance(of_run);
  feed_.advance(of_list);
  feed_.leading(false);
  EXPECT_TRUE(of_run->stream->abandoned());
  EXPECT_TRUE(of_list->stream->abandoned());
  EXPECT_FALSE(feed_.covers(EventId::end_of(Sequence(1))));
}

}  // namespace
}  // namespace millrace::api
