// Codec: events, specs and state as bytes and back, for the log and its checkpoints. The format is
// proto/millrace/log/v1alpha1/log.proto; encode and decode are each other's inverse.
//
//   const std::string bytes = encode_events(batch.events);
//   SpecPool specs;                                   // for the whole of a recovery
//   MILLRACE_TRY(events, decode_events(bytes, specs));
//
// Decoding takes any bytes: what is broken, or of a version that says more than we know, is an
// Error (log.broken, log.unknown), never a crash and never a half-read decision.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "scheduler/core/events.h"
#include "scheduler/core/state.h"

namespace millrace::scheduler {

// One copy of each spec, however many runs and documents of the log say it again.
class SpecPool {
 public:
  // `encoded` is what names it.
  Result<WorkflowSpecRef> get(const std::string& encoded);
  std::size_t size() const { return specs_.size(); }

 private:
  std::map<std::string, WorkflowSpecRef> specs_;
};

std::string encode_spec(const WorkflowSpec& spec);  // decoded by SpecPool::get

std::string encode_events(std::span<const Event> events);
Result<std::vector<Event>> decode_events(std::string_view bytes, SpecPool& specs);

// A state in chunks of some hundred kilobytes. The state must not change meanwhile.
class CheckpointEncoder {
 public:
  explicit CheckpointEncoder(const State& state, std::size_t chunk_bytes = 512 * 1024);
  ~CheckpointEncoder();
  CheckpointEncoder(const CheckpointEncoder&) = delete;
  CheckpointEncoder& operator=(const CheckpointEncoder&) = delete;
  // The next chunk; nothing after the last. There is at least one.
  std::optional<std::string> next();

 private:
  struct Progress;
  std::unique_ptr<Progress> progress_;
};

// Chunks in their order, then finish().
class CheckpointDecoder {
 public:
  explicit CheckpointDecoder(SpecPool& pool) : pool_(pool) {}
  Status add(std::string_view chunk);
  // The state; an Error when chunks are missing.
  Result<State> finish();

 private:
  Status close_run();

  SpecPool& pool_;
  State state_;
  std::vector<WorkflowSpecRef> specs_;
  std::optional<RunHeader> run_;  // its tasks are still coming
  std::vector<Task> tasks_;
  bool started_ = false;
};

}  // namespace millrace::scheduler
