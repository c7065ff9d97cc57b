// What the api needs of the rest of the scheduler, as interfaces that its host implements: the
// engine's loop, reads of the store, figures of running attempts, logs.
//
// Threads are named at each interface. Everything passed is a plain value.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "scheduler/core/commands.h"
#include "scheduler/core/events.h"
#include "scheduler/core/inputs.h"
#include "scheduler/core/liveness.h"
#include "scheduler/core/settings.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"
#include "scheduler/engine/attachment.h"
#include "scheduler/engine/reads.h"

namespace millrace::api {

// The leader's state between two steps of its loop. Valid only while the function it was given to
// runs.
struct View {
  const scheduler::State* state = nullptr;
  const scheduler::Liveness* liveness = nullptr;
  const scheduler::Settings* settings = nullptr;
  scheduler::Sequence applied;
  scheduler::Now now;
};

// The engine's loop. Both calls return at once, may be made on any thread, and call back exactly
// once, on the loop's thread (or, when it has stopped, on the caller's). What is called back must
// be quick: it holds up the loop.
class EnginePort {
 public:
  using Answer = Result<scheduler::ReplyBody>;

  virtual ~EnginePort() = default;
  // Hands over a PutDocument, DeleteDocument, SubmitRun or SetDesiredState; the host sets its
  // `request`. Errors besides those of plan(): engine.full, engine.not_leading.
  virtual void submit(scheduler::Input input, std::function<void(Answer)> done) = 0;
  // engine.not_leading when this scheduler does not lead.
  virtual void read(std::function<void(const Result<View>&)> look) = 0;
};

// Reads of the store: scheduler/engine/reads.h, which the store implements.
using scheduler::AttemptRecord;
using scheduler::DatasetRecord;
using scheduler::EventId;
using scheduler::LoggedEvent;
using scheduler::LogPage;
using scheduler::Reads;
using scheduler::RunQuery;
using scheduler::RunRecord;
using scheduler::SnapshotRecord;
using scheduler::TaskEnding;
using scheduler::TaskRecord;

// --- what is only known while an attempt runs ---

struct AttemptProgress {
  scheduler::AttemptRef attempt;
  double fraction = -1;  // 0 to 1; negative when unknown
  std::int64_t rows = 0;
  Bytes bytes;
  scheduler::Usage usage;
};

// Figures out of heartbeats. Does not block; any thread.
class ProgressPort {
 public:
  virtual ~ProgressPort() = default;
  // The attempts of a run that hold a lease and have reported, by task.
  virtual std::vector<AttemptProgress> progress(scheduler::RunId run) const = 0;
};

struct LogText {
  std::string text;
  std::int64_t next = 0;  // offset to go on from
  std::int64_t size = 0;  // of the whole log by now
};

// Logs of attempts. Whether more will follow is the engine's to say: an attempt's log is complete
// before its end is told. Blocking, thread-safe; called on the pool.
class LogPort {
 public:
  virtual ~LogPort() = default;
  // At most `limit` bytes from `offset`. Errors: log.not_found, store.unavailable.
  virtual Result<LogText> read(const scheduler::AttemptRef& attempt, std::int64_t offset,
                               std::size_t limit) = 0;
};

// What is left to read of an answer. One thread at a time.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  // At most `limit` bytes; none at its end. Error: answer.unreadable.
  virtual Result<std::string> read(std::size_t limit) = 0;
};

// Answers to queries, as attempts leave them. Blocking, thread-safe; called on the pool.
class AnswerPort {
 public:
  virtual ~AnswerPort() = default;
  // From now on the answer is the reader's alone, and gone with it. Error: answer.lost.
  virtual Result<std::unique_ptr<AnswerReader>> take(const scheduler::AttemptRef& attempt) = 0;
  virtual void discard(const scheduler::AttemptRef& attempt) = 0;
};

// Makes the id of a new run: from the wall clock and randomness, which tests replace. Any thread.
using RunIdSource = std::function<scheduler::RunId()>;

}  // namespace millrace::api
