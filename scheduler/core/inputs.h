// Inputs: everything that may change the state, as values. Documents and commands of people come
// from the api, the rest from workers. Time is no input: plan() gets it beside them, and asks
// Liveness what expired.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "scheduler/core/rerun.h"
#include "scheduler/core/run_name.h"
#include "scheduler/core/spec.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

// PUT of a document. `spec` is set for workflows. Answered by DocumentAccepted, or by an error:
// document.conflict when if_version does not match.
struct PutDocument {
  RequestId request;
  std::string kind;  // "workflows"
  NamespacedName name;
  BodyHash body_hash{};
  WorkflowSpecRef spec;
  std::optional<std::uint64_t> if_version;  // If-Match; 0 stands for "must not exist"
  AttachmentRef attachment;                 // the body, for the store
};

struct DeleteDocument {
  RequestId request;
  std::string kind;
  NamespacedName name;
  std::optional<std::uint64_t> if_version;
};

// Start a run. Either of a stored workflow (its body is pinned by hash) or of a spec of its own.
// Idempotent by `key`: the same key with the same body answers with the same run, with another body
// run.key_reused. Answered by RunAccepted.
//
// Or do a run that has ended again: `rerun` says which, `spec` and `body_hash` are that run's.
struct SubmitRun {
  RequestId request;
  RunId run;  // made by the caller
  std::string ns;
  std::string name;  // empty: one is made up (run_name.h), with `name_end` characters of the id
  std::size_t name_end = kShortNameEnd;  // or more, where a run that lives has that name
  std::string workflow;  // name of a stored workflow, or only a label when `spec` is set
  WorkflowSpecRef spec;  // set for a run of its own (a query, a template)
  BodyHash body_hash{};  // with spec: its body's
  BodyHash parameters_hash{};
  std::string key;                     // empty: none
  BodyHash request_hash{};             // of all that the caller sent, to tell a replay from a reuse
  AttachmentRef attachment;            // parameters, and the body when spec is set
  std::shared_ptr<const Rerun> rerun;  // null: a run of its own
};

// What a caller saw of a run: it decided by that, and by nothing that came later.
struct RunSeen {
  DesiredState desired = DesiredState::kRunning;
  RunCounts counts;
};

// Answered by Done, or by an error: run.ended, run.cancelling, run.conflict.
struct SetDesiredState {
  RequestId request;
  RunId run;
  DesiredState desired = DesiredState::kRunning;
  std::optional<RunSeen> if_seen{};  // run.conflict when the run is another way
};

// A worker's stream is up. `attempts` is what it is running: after a broken stream the leases go
// on; what was placed on it and is not named is started again on it.
struct WorkerJoined {
  WorkerId worker;
  std::string name;
  Resources capacity;
  std::vector<AttemptRef> attempts;
  // The incarnation before, when every process of it is known to be ended; nil otherwise.
  WorkerId ended_incarnation;
  std::int64_t sent_monotonic_us = 0;  // the worker's clock
  // The state's next_epoch() when the greeting was heard; the engine fills it in. What was placed
  // from there on is sent on the new stream, and the worker can't name it yet.
  Epoch heard_at;
};

// The stream broke. Leases decide what becomes of its attempts; until it is back nothing new goes
// there.
struct WorkerLeft {
  WorkerId worker;
};

// Volatile: renews leases in Liveness and is answered at once, even while a commit is under way, so
// that a database that restarts costs no attempt its lease. plan() does not see it.
struct WorkerHeartbeat {
  WorkerId worker;
  std::int64_t sent_monotonic_us = 0;  // the worker's clock, echoed in the answer
  std::vector<AttemptRef> attempts;
  bool draining = false;
};

// What an attempt wrote to one dataset. The files themselves are in the attachment.
struct WrittenDataset {
  std::string dataset;
  BodyHash schema_hash{};
  std::int64_t rows = 0;
  friend bool operator==(const WrittenDataset&, const WrittenDataset&) = default;
};

struct AttemptSucceeded {
  WorkerId worker;
  AttemptRef attempt;
  std::vector<WrittenDataset>
      writes;                // in the order of TaskSpec::writes; extra ones (a quarantine) after
  AttachmentRef attachment;  // files, outputs, publication, usage
};

struct AttemptFailed {
  WorkerId worker;
  AttemptRef attempt;
  Failure failure;
  AttachmentRef attachment;  // usage; may be null
};

// A snapshot that is not its dataset's newest, as the catalog has it.
struct ReplacedSnapshot {
  SnapshotId snapshot;
  WallTime replaced;        // when the next one was committed
  std::uint32_t newer = 1;  // how many snapshots its dataset has had since
};

// From the sweeper: may these go? Those that are old enough and that nobody needs expire
// (SnapshotsExpired); the others stay, and are asked about again. Answered by Done.
struct SweepSnapshots {
  struct OfDataset {
    NamespacedName dataset;
    std::vector<ReplacedSnapshot> snapshots;
  };
  RequestId request;
  std::vector<OfDataset> datasets;
};

using Input =
    std::variant<PutDocument, DeleteDocument, SubmitRun, SetDesiredState, WorkerJoined, WorkerLeft,
                 WorkerHeartbeat, AttemptSucceeded, AttemptFailed, SweepSnapshots>;

}  // namespace millrace::scheduler
