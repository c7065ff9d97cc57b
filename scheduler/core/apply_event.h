// apply_event(): what each event does, written once for State (apply) and for Draft, in which
// plan() sees the effect of its own events. Target has State's reading and writing functions.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/overloaded.h"
#include "base/text.h"
#include "scheduler/core/events.h"
#include "scheduler/core/ready.h"
#include "scheduler/core/state.h"
#include "scheduler/core/transitions.h"

namespace millrace::scheduler {

constexpr std::size_t kLastErrorLimit = 512;
constexpr std::size_t kNoticeLimit = 512;

template <typename Target>
class EventApplier {
 public:
  explicit EventApplier(Target& target) : target_(target) {}

  void operator()(const events::LeaderStarted& e) { target_.put_leader_epoch(e.epoch); }

  void operator()(const events::DocumentPut& e) {
    const std::uint64_t version = target_.next_document_version();
    target_.put_next_document_version(version + 1);
    target_.put_document({e.kind, e.name}, Document{e.generation, e.body_hash, e.spec, version});
  }
  void operator()(const events::DocumentDeleted& e) { target_.erase_document({e.kind, e.name}); }

  void operator()(const events::RunCreated& e) {
    MILLRACE_CHECK(e.spec != nullptr, "a run without a spec");
    RunFacts facts;
    facts.id = e.run;
    facts.order = target_.next_run_order();
    facts.ns = e.ns;
    facts.name = e.name;
    facts.workflow = e.workflow;
    facts.spec = e.spec;
    facts.body_hash = e.body_hash;
    facts.parameters_hash = e.parameters_hash;
    facts.key = e.key;
    facts.created = e.at;
    facts.pins = e.pins;
    facts.rerun_of = e.rerun_of;
    facts.rerun_of_name = e.rerun_of_name;
    std::vector<Task> tasks(e.spec->tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].needs_open = static_cast<std::uint32_t>(e.spec->tasks[i].needs.size());
      tasks[i].since = e.at;
    }
    for (const events::TakenTask& taken : e.taken) take_over(taken, facts, tasks);
    if (!e.key.empty())
      target_.put_key({e.ns, e.key}, KeyEntry{e.run, e.name, e.request_hash, WallTime()});
    target_.put_next_run_order(facts.order + 1);
    target_.put_run(std::move(facts), std::move(tasks));
  }

  void operator()(const events::RunDesired& e) {
    target_.put_desired(e.run, e.desired, e.reason);
    if (e.desired == DesiredState::kRunning) target_.edit_run(e.run).held_until = e.at;
  }

  void operator()(const events::RunFinished& e) {
    const RunFacts* run = target_.run(e.run);
    MILLRACE_CHECK(run != nullptr && run->counts.open == 0, "a run ends with tasks that have not");
    if (!run->key.empty()) {
      const NamespacedName name{run->ns, run->key};
      KeyEntry entry = *target_.key(name);
      entry.ended = e.at;
      target_.put_key(name, std::move(entry));
    }
    hold_for_reruns(*run, e.at);
    target_.erase_run(e.run);
  }

  void operator()(const events::TaskReady& e) {
    Task task = moved(e.task, TaskChange::kReady, e.at);
    if (task.first_ready == WallTime()) task.first_ready = e.at;
    target_.put_task(e.task, task);
  }

  void operator()(const events::TaskEnded& e) {
    const TaskChange change = e.state == TaskState::kSkipped     ? TaskChange::kSkipped
                              : e.state == TaskState::kCancelled ? TaskChange::kCancelled
                                                                 : TaskChange::kGaveUp;
    target_.put_task(e.task, moved(e.task, change, e.at));
    if (e.state == TaskState::kFailed) remember_error(e.task, e.message);
    ended(e.task);
  }

  void operator()(const events::AttemptPlaced& e) {
    const TaskRef ref = e.attempt.task_ref();
    Task task = moved(ref, TaskChange::kPlaced, e.at);
    MILLRACE_CHECK(e.attempt.attempt == task.attempt.next(), "attempts are numbered without gaps");
    MILLRACE_CHECK(e.attempt.epoch >= target_.next_epoch(), "an epoch is used twice");
    task.attempt = e.attempt.attempt;
    task.epoch = e.attempt.epoch;
    task.worker = e.worker;
    task.avoid_last_worker = false;
    target_.put_next_epoch(e.attempt.epoch.next());
    if (e.inputs.empty() && e.bases.empty())
      target_.erase_pins(ref);
    else
      target_.put_pins(ref, TaskPins{e.inputs, e.bases});
    target_.put_task(ref, task);
  }

  void operator()(const events::AttemptSucceeded& e) {
    const TaskRef ref = e.attempt.task_ref();
    const bool staged = e.publication_order != 0;
    Task task = moved(ref, staged ? TaskChange::kStaged : TaskChange::kSucceeded, e.at);
    MILLRACE_CHECK(e.attempt.epoch == task.epoch, "a result of an epoch that is not current");
    task.crashes = 0;
    if (staged) {
      task.phase = Phase::kPublish;
      task.failures = 0;
      task.publication_order = e.publication_order;
      target_.put_next_publication_order(e.publication_order + 1);
    }
    for (const events::SnapshotCommitted& snapshot : e.snapshots) {
      advance_head(ref.run, snapshot);
      if (snapshot.write_index > 0 && snapshot.rows > 0) remember_quarantine(ref, snapshot);
    }
    give_back(ref, task);
    if (!staged) ended(ref);
  }

  void operator()(const events::AttemptFailed& e) {
    const TaskRef ref = e.attempt.task_ref();
    const TaskChange change =
        std::visit(Overloaded{[](const events::Retry&) { return TaskChange::kRetry; },
                              [](const events::GiveUp&) { return TaskChange::kGaveUp; },
                              [](const events::Cancelled&) { return TaskChange::kCancelled; }},
                   e.next);
    Task task = moved(ref, change, e.at);
    MILLRACE_CHECK(e.attempt.epoch == task.epoch, "a failure of an epoch that is not current");
    ++task.failures;
    task.crashes = e.failure.code == kCrashCode ? static_cast<std::uint16_t>(task.crashes + 1)
                                                : std::uint16_t{0};
    if (const auto* retry = std::get_if<events::Retry>(&e.next)) {
      task.retry_at = retry->at;
      task.avoid_last_worker = retry->elsewhere;
    }
    give_back(ref, task);
    if (change != TaskChange::kCancelled) remember_error(ref, e.failure.message);
    if (change != TaskChange::kRetry) ended(ref);
  }

  void operator()(const events::CancelRequested& e) {
    Task task = moved(e.task, TaskChange::kCancelRequested, target_.task(e.task)->since);
    task.stop = events::stop_for(e.reason);
    target_.put_task(e.task, task);
  }

  void operator()(const events::KeysForgotten& e) { target_.forget_keys(e.ended_before); }
  // Of snapshots the state knows the newest and those that are pinned: these are neither.
  void operator()(const events::SnapshotsExpired&) {}
  void operator()(const events::HoldsReleased& e) { target_.release_holds(e.ended_before); }

  // The failure code by which a worker says that an attempt took its runner down.
  static constexpr std::string_view kCrashCode = "runner.crashed";

 private:
  // The task as it stands after the change; the table says whether it may.
  Task moved(TaskRef ref, TaskChange change, WallTime at) const {
    const Task* task = target_.task(ref);
    MILLRACE_CHECK(task != nullptr, "an event for a task that is not there");
    const auto to = next_state(task->state, change);
    MILLRACE_CHECK(to.has_value(), std::string(to_string(task->state)) + " does not go on by " +
                                       std::string(to_string(change)));
    Task next = *task;
    next.state = *to;
    next.since = at;
    if (*to != TaskState::kCancelling) next.stop = Stop::kNone;
    return next;
  }

  // The task counts as if it had just succeeded in this run.
  static void take_over(const events::TakenTask& taken, RunFacts& run, std::vector<Task>& tasks) {
    Task& task = tasks.at(taken.task.value());
    const auto to = next_state(task.state, TaskChange::kTaken);
    MILLRACE_CHECK(to.has_value() && task.needs_open == 0, "a task is taken over before its needs");
    task.state = *to;
    for (const TaskIndex dependent : run.spec->dependents[taken.task.value()])
      --tasks[dependent.value()].needs_open;
    for (const events::Pin& snapshot : taken.snapshots) set_pin(run, snapshot);
  }

  // From here on the run reads that snapshot of the dataset.
  static void set_pin(RunFacts& run, const events::Pin& pin) {
    const auto at = std::lower_bound(
        run.pins.begin(), run.pins.end(), pin.dataset,
        [](const events::Pin& p, const std::string& dataset) { return p.dataset < dataset; });
    if (at != run.pins.end() && at->dataset == pin.dataset) {
      if (!at->snapshot.is_nil()) run.outgrown.push_back(at->snapshot);
      at->snapshot = pin.snapshot;
    } else {
      run.pins.insert(at, pin);
    }
  }

  // The task's attempt is over: its run may have room for another, which it had not.
  void give_back(TaskRef ref, const Task& task) {
    const bool was_full = is_full(*target_.run(ref.run));
    target_.put_task(ref, task);
    if (was_full && !is_full(*target_.run(ref.run)))
      target_.edit_run(ref.run).held_until = task.since;
  }

  void ended(TaskRef ref) {
    target_.erase_pins(ref);
    const WorkflowSpecRef spec = target_.run(ref.run)->spec;
    for (const TaskIndex dependent : spec->dependents[ref.task.value()]) {
      Task task = *target_.task({ref.run, dependent});
      --task.needs_open;
      target_.put_task({ref.run, dependent}, task);
    }
  }

  // What the run read and wrote stays for a run that does it, or some of it, again.
  void hold_for_reruns(const RunFacts& run, WallTime at) {
    if (run.spec->hidden) return;  // nobody can name it
    Hold hold{at, run.outgrown};
    for (const events::Pin& pin : run.pins)
      if (!pin.snapshot.is_nil()) hold.snapshots.push_back(pin.snapshot);
    if (hold.snapshots.empty()) return;
    std::sort(hold.snapshots.begin(), hold.snapshots.end());
    target_.put_hold(run.id, std::move(hold));
  }

  void remember_error(TaskRef ref, const std::string& message) {
    RunFacts& run = target_.edit_run(ref.run);
    run.last_error = run.task_spec(ref.task).name + ": " + message;
    if (run.last_error.size() > kLastErrorLimit) run.last_error.resize(kLastErrorLimit);
  }

  // A person hears of rows that were set aside although all went well.
  void remember_quarantine(TaskRef ref, const events::SnapshotCommitted& snapshot) {
    RunFacts& run = target_.edit_run(ref.run);
    std::string notice = run.notice.empty() ? "" : run.notice + "; ";
    notice.append(run.task_spec(ref.task).name).append(": ").append(counted(snapshot.rows, "row"));
    notice.append(" quarantined in ").append(snapshot.dataset);
    // Those beyond are in the tasks' own messages.
    if (notice.size() <= kNoticeLimit) run.notice = std::move(notice);
  }

  void advance_head(RunId id, const events::SnapshotCommitted& snapshot) {
    RunFacts& run = target_.edit_run(id);
    const NamespacedName name{run.ns, snapshot.dataset};
    const Head* head = target_.head(name);
    MILLRACE_CHECK((head == nullptr ? SnapshotId() : head->snapshot) == snapshot.parent,
                   "a snapshot's parent is not its dataset's head");
    set_pin(run, {snapshot.dataset, snapshot.snapshot});
    target_.put_head(name, Head{snapshot.snapshot, snapshot.schema_hash});
  }

  Target& target_;
};

}  // namespace millrace::scheduler
