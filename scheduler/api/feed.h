// Feed: from applied batches to those who watch. Keeps the last events of the log, so that a
// watcher that comes back is caught up without the database, and hands new ones over as they are
// applied.
//
// Belongs to the loop's thread: every call is made there (EnginePort::read gets others there).
// Costs a copy of each event; rendering is paid only for what is watched.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/http/body_stream.h"
#include "scheduler/api/ports.h"
#include "scheduler/api/stream_event.h"
#include "scheduler/engine/ports.h"

namespace millrace::api {

// What a watcher wants to see.
struct Interest {
  enum class Scope { kRun, kRuns, kDocuments };
  Scope scope = Scope::kRun;
  scheduler::RunId run{};  // kRun
  std::string ns{};        // kRuns: begin, change and end of runs; kDocuments
};

// One open stream of server-sent events.
struct Watcher {
  Interest interest;
  EventId position;  // of the last event that was written
  std::shared_ptr<http::BodyStream> stream;
};
using WatcherRef = std::shared_ptr<Watcher>;

struct FeedEntry {
  EventId id;
  scheduler::Event event;
  std::shared_ptr<const RunContext> run;  // null for events about no run
};

// Whether a replay may write so much more: it fills half of what a reader may lag, so that what
// comes live has room.
bool has_room(const http::BodyStream& stream, std::size_t bytes);

// The frame of `entry` for whoever has this interest; empty: none of theirs. `last`: nothing
// follows.
std::string frame_for(const Interest& interest, const FeedEntry& entry, bool& last);

class Feed {
 public:
  explicit Feed(std::size_t kept_events = 16'384) : kept_events_(kept_events) {}

  // As ObserverPort has it.
  void applied(const scheduler::Batch& batch, const scheduler::State& state);
  // Whoever watches a scheduler that stops leading is cut off, to come back at the next leader.
  void leading(bool leads);

  // Whether all events after `position` are kept here.
  bool covers(EventId position) const;
  enum class Step { kLive, kMore, kEnded, kGap };
  // Writes what the watcher has not seen, some hundreds of events at most. kLive: that was all, and
  // what is applied from now on is written as it comes. kMore: call again, best when the reader has
  // caught up. kEnded: its run has, and the stream is finished. kGap: not covered (any more).
  Step advance(const WatcherRef& watcher);
  void remove(const WatcherRef& watcher);
  std::size_t watchers() const;

 private:
  std::shared_ptr<const RunContext> context_of(const scheduler::Event& event, scheduler::RunId run,
                                               const scheduler::Batch& batch,
                                               const scheduler::State& state);
  void tell(const FeedEntry& entry);
  void tell(std::vector<WatcherRef>& watchers, const FeedEntry& entry);

  const std::size_t kept_events_;
  std::deque<FeedEntry> kept_;
  EventId forgotten_;  // the newest event that is not kept; everything after it is
  std::map<scheduler::RunId, std::shared_ptr<const RunContext>> runs_;  // that live
  std::map<scheduler::RunId, std::vector<WatcherRef>> by_run_;
  std::vector<WatcherRef> by_namespace_;
};

}  // namespace millrace::api
