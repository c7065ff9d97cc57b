// Planner: one call of plan() at work: the draft it sees, the plan it writes. Split over plan.cpp
// (dispatch and timers), plan_documents.cpp, plan_runs.cpp, plan_attempts.cpp,
// plan_placement.cpp and plan_sweep.cpp.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/core/apply_event.h"
#include "scheduler/core/draft.h"
#include "scheduler/core/placement.h"
#include "scheduler/core/plan.h"
#include "scheduler/core/retry_rules.h"
#include "scheduler/core/timers.h"

namespace millrace::scheduler {

// Workers that take new attempts, with what they have free by `used(worker)`.
template <typename Used>
std::vector<Candidate> candidates_of(const Liveness& liveness, Now now, const Settings& settings,
                                     Used used) {
  std::vector<Candidate> candidates;
  for (const auto& [id, worker] : liveness.workers()) {
    if (!worker.connected || worker.draining) continue;
    if (now.monotonic - worker.last_heard > settings.lease) continue;
    candidates.push_back({id, worker.name, worker.capacity, worker.capacity - used(id)});
  }
  return candidates;
}

inline constexpr const char* kTaskTimedOutMessage = "did not end within its timeout";

class Planner {
 public:
  Planner(const State& state, const Liveness& liveness, Now now, const Settings& settings)
      : state_(state), liveness_(liveness), now_(now), settings_(settings), draft_(state) {}
  Planned run(std::span<const Input> inputs);

 private:
  // plan_documents.cpp
  void on(const PutDocument& input);
  void on(const DeleteDocument& input);
  void conflict(RequestId request, const NamespacedName& name, const Document* present);
  // plan_runs.cpp
  void on(const SubmitRun& input);
  void on(const SetDesiredState& input);
  // What a run reads and has as it begins.
  struct RunStart {
    std::vector<events::Pin> pins;
    RunId rerun_of;
    std::string rerun_of_name;
    std::vector<events::TakenTask> taken;
  };
  Result<RunStart> fresh_start(const std::string& ns, const WorkflowSpec& spec) const;
  Result<RunStart> start_again(const Rerun& rerun, const WorkflowSpec& spec,
                               const std::string& ns) const;
  void cancel_run(RunId run, const std::string& reason);
  // What an event leaves to look at: the dependents of a task that ended, every task of a new run.
  void unsettle(const Event& event);
  // What the end (or the creation) of tasks makes ready or moot, and whether the run ends.
  void settle(RunId run);
  void settle_task(TaskRef ref);
  // Why a task does not run for which `need` went wrong, by the name of the task it began with.
  std::string cause_of_skip(TaskRef skipped, TaskIndex need);
  void finish_run(RunId run);
  // plan_attempts.cpp
  void on(const WorkerJoined& input);
  void on(const WorkerLeft&) {}       // its leases go on
  void on(const WorkerHeartbeat&) {}  // Liveness heard it
  void on(const AttemptSucceeded& input);
  void on(const AttemptFailed& input);
  // Every attempt that `worker` was given before that epoch, but those named, ends without a word
  // of its own.
  void lose(WorkerId worker, const std::vector<AttemptRef>& except, Epoch before,
            const std::string& code, const std::string& message);
  // The task, if `attempt` holds its current lease on `worker`; otherwise acknowledges the result
  // as one that does not count.
  const Task* fenced(WorkerId worker, const AttemptRef& attempt);
  void fail(TaskRef ref, Failure failure, AttachmentRef attachment);
  // What follows from the failure of an attempt that may have been told to end.
  RetryDecision decide(TaskRef ref, Failure& failure) const;
  // The attempt is to end. Unless it was told so before, for as good a reason.
  void stop(TaskRef ref, std::string_view reason);
  void on_timer(const Timer& timer);
  // plan_sweep.cpp
  void on(const SweepSnapshots& input) { sweeps_.push_back(&input); }
  // Last of all, so that whatever this batch pins is spared.
  void sweep();
  bool is_old(const NamespacedName& dataset, const ReplacedSnapshot& snapshot) const;
  // Cannot have expired by now: it is the newest, pinned, or still held for reruns.
  bool is_kept(const NamespacedName& dataset, SnapshotId snapshot) const;
  // plan_placement.cpp
  void place();
  void place_task(const ReadyKey& key, WorkerId worker);
  // ": no worker is connected", of a task that has waited until now.
  std::string what_was_short(TaskRef ref) const;

  void emit(Event event, AttachmentRef attachment = nullptr);
  void reply(RequestId request, Result<ReplyBody> body);
  void refuse(RequestId request, ErrorClass error_class, std::string code, std::string message,
              std::string hint = "");
  void refuse(RequestId request, Error error);
  void count(const std::string& reason) { ++planned_.counted[reason]; }

  const State& state_;
  const Liveness& liveness_;
  const Now now_;
  const Settings& settings_;
  Draft draft_;
  Planned planned_;
  // Tasks that an event may have made ready or moot, by run; a run that is here may also have
  // ended.
  std::map<RunId, std::vector<TaskIndex>> unsettled_;
  std::map<TaskRef, TaskIndex> causes_;  // of the skips of this batch
  std::vector<const SweepSnapshots*> sweeps_;
};

}  // namespace millrace::scheduler
