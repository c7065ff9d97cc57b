// For tests: random specs, events and states that reach every field of the log's format, and
// equality by content (specs are compared, not their addresses).
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "scheduler/core/events.h"
#include "scheduler/core/state.h"

namespace millrace::scheduler {

class RandomLog {
 public:
  explicit RandomLog(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool chance() { return below(2) == 0; }
  std::string text();  // any bytes, sometimes empty
  BodyHash hash();     // sometimes none
  template <typename Tag>
  Id<Tag> id() {
    return below(8) == 0 ? Id<Tag>() : Id<Tag>(RawId{random_(), random_()});
  }
  WorkflowSpecRef spec();  // valid
  Event event();           // of any kind; not one that follows from another
  State state();

 private:
  std::int64_t number() { return static_cast<std::int64_t>(random_()) >> below(64); }
  std::uint32_t small() { return static_cast<std::uint32_t>(random_() >> (32 + below(32))); }
  WallTime time() { return WallTime(number()); }
  Resources resources();
  RetryRow retry_row();
  TaskSpec task_spec(std::uint32_t index);
  std::vector<events::Pin> pins();
  std::vector<SnapshotId> snapshots();
  TaskRef task_ref() { return {id<RunTag>(), TaskIndex(small())}; }
  AttemptRef attempt_ref();
  events::Decision decision();
  Task task();
  template <typename Enum>
  Enum any(Enum last) {
    return static_cast<Enum>(below(static_cast<std::uint64_t>(last) + 1));
  }

  std::mt19937_64 random_;
};

bool same(const Event& a, const Event& b);
// "" when they are the same; else what differs first.
std::string difference(const State& a, const State& b);

}  // namespace millrace::scheduler
