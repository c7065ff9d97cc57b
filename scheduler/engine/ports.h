// Ports: what the engine needs of the world. Calls never block; answers come later, as engine
// inputs. So the same engine runs on Postgres and gRPC, and, many at once, in a simulation.
//
// Threads: the engine calls ports from its one thread; adapters answer by posting to the loop's
// inbox.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "scheduler/core/commands.h"
#include "scheduler/core/plan.h"
#include "scheduler/core/state.h"
#include "scheduler/engine/attachment.h"

namespace millrace::scheduler {

struct BatchTag {};
using BatchId = Id<BatchTag>;

// One batch of the log: one transaction. Immutable once handed over.
struct Batch {
  Sequence sequence;
  BatchId id;  // tells an own batch from another leader's at the same sequence
  LeaderEpoch leader_epoch;
  WallTime at;
  std::vector<Event> events;
  std::vector<PlannedAttachment> attachments;
  std::vector<std::shared_ptr<const Run>> finished;
};
using BatchRef = std::shared_ptr<const Batch>;

enum class CommitOutcome : std::uint8_t {
  kCommitted,
  kConflict,  // another leader's batch stands at this sequence: step down
  kUnknown,   // no answer: neither done nor undone. The engine hands the same batch over again
};

// --- answers, as inputs of the engine
// ---------------------------------------------------------------
struct Elected {
  LeaderEpoch epoch;
  // Until when nobody else can be elected, on this process's clock: counted from before the
  // question was sent. A leader that does not hear Renewed by then renews no lease of a worker.
  Monotonic until;
};
struct Renewed {
  LeaderEpoch epoch;
  Monotonic until;
};
// The state as checkpoint and log have it.
struct Recovered {
  LeaderEpoch epoch;  // of the election that it answers
  std::shared_ptr<State> state;
  Sequence last;  // of the log; 0 when it is empty
};
struct CommitAnswer {
  BatchId batch;
  CommitOutcome outcome = CommitOutcome::kUnknown;
};
// The store says that another leads, or can't be asked for longer than its lease.
struct Deposed {
  LeaderEpoch epoch;
  std::string reason;
};
using StoreAnswer = std::variant<Elected, Renewed, Recovered, CommitAnswer, Deposed>;

class StorePort {
 public:
  virtual ~StorePort() = default;
  // Stand for leadership until elected. Answer: Elected, when it is so; then Renewed, again and
  // again, or Deposed.
  virtual void campaign(LeaderId self) = 0;
  // Read checkpoint and log. Answer: Recovered.
  virtual void recover(LeaderEpoch epoch) = 0;
  // At most one batch is under way. Answer: CommitAnswer.
  virtual void commit(BatchRef batch) = 0;
  // Give leadership up, if held.
  virtual void resign() = 0;
};

class WorkerPort {
 public:
  virtual ~WorkerPort() = default;
  // To a worker that may be gone: then it is dropped, and leases see to the rest.
  virtual void send(WorkerId worker, Command command) = 0;
  // Ends the stream of a worker whose greeting this leader has not heard, so that it comes back and
  // says hello. One that is gone is left alone.
  virtual void dismiss(WorkerId worker) = 0;
};

// The api's and the observers' side.
class ObserverPort {
 public:
  virtual ~ObserverPort() = default;
  virtual void reply(Reply reply) = 0;
  // A batch is durable and applied; `state` is what followed. Called in the order of sequences.
  virtual void applied(const Batch& batch, const State& state) = 0;
  virtual void leading(bool leads) = 0;
  virtual void counted(const std::string& reason, std::uint64_t count) = 0;
};

// Randomness for ids, an input like time: seeded in a simulation.
class EntropyPort {
 public:
  virtual ~EntropyPort() = default;
  virtual std::uint64_t next() = 0;
};

}  // namespace millrace::scheduler
