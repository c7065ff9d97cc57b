#include "scheduler/simulation/checker.h"

#include <algorithm>

#include "base/overloaded.h"
#include "scheduler/core/apply.h"
#include "scheduler/simulation/digest.h"
#include "scheduler/simulation/memory_catalog.h"

namespace millrace::simulation {

using namespace scheduler;  // NOLINT: a file over the core's types

namespace {
constexpr std::size_t kTail = 60;
constexpr std::size_t kDigests = 64;

std::string kind_of(const Event& event) {
  return std::visit(
      Overloaded{
          [](const events::AttemptFailed& e) { return "failed " + e.failure.code; },
          [](const events::TaskEnded& e) { return std::string(to_string(e.state)) + " " + e.code; },
          [](const events::RunFinished& e) {
            return "finished " + std::string(to_string(e.outcome));
          },
          [](const events::AttemptSucceeded& e) {
            return std::string(e.publication_order != 0 ? "staged" : "succeeded");
          },
          [](const events::AttemptPlaced& e) {
            return "placed " + std::string(to_string(e.phase));
          },
          [](const events::LeaderStarted&) { return std::string("leader"); },
          [](const events::RunCreated& e) {
            if (e.rerun_of.is_nil()) return std::string("created");
            return std::string(e.taken.empty() ? "created again" : "created again, taking over");
          },
          [](const events::RunDesired& e) {
            return "desired " + std::string(to_string(e.desired));
          },
          [](const events::TaskReady&) { return std::string("ready"); },
          [](const events::CancelRequested&) { return std::string("cancelling"); },
          [](const events::KeysForgotten&) { return std::string("keys forgotten"); },
          [](const events::SnapshotsExpired&) { return std::string("snapshots expired"); },
          [](const events::HoldsReleased&) { return std::string("holds released"); },
          [](const auto&) { return std::string("other"); }},
      event);
}
}  // namespace

void Checker::violate(std::string text) {
  if (!violation_) violation_ = std::move(text);
}

void Checker::require(bool holds, const char* text, const Event* event) {
  if (!holds) violate(event == nullptr ? text : std::string(text) + ": " + to_text(*event));
}

void Checker::appended(const Batch& batch) {
  require(batch.sequence == sequence_.next(), "the log has a gap");
  sequence_ = batch.sequence;
  for (const Event& event : batch.events) on(event, batch.at);
  digests_[sequence_.value()] = 0;  // computed when somebody asks
  if (digests_.size() > kDigests) digests_.erase(digests_.begin());
}

void Checker::check_state(const State& state, Sequence sequence) {
  if (sequence != sequence_) return;  // it lags behind the log: compared when it is level
  require(digest(state) == digest(state_), "a scheduler's state is not what the log gives");
}

void Checker::on(const Event& event, WallTime at) {
  ++events_;
  const std::string text = to_text(event);
  trace_ = fold(trace_, text);
  tail_.push_back(text);
  if (tail_.size() > 2 * kTail) tail_.erase(tail_.begin(), tail_.begin() + kTail);
  ++happened_[kind_of(event)];
  if (violation_) return;  // what follows from a broken log proves nothing
  std::visit(Overloaded{
                 [&](const events::RunCreated& e) {
                   require(created_.insert(e.run).second, "a run is created twice", &event);
                   if (!e.key.empty())
                     require(keys_.emplace(e.key, e.run).second, "one key, two runs", &event);
                   if (!e.rerun_of.is_nil()) taken_over(e);
                 },
                 [&](const events::RunFinished& e) {
                   require(finished_.insert(e.run).second, "a run ends twice", &event);
                 },
                 [&](const events::AttemptPlaced& e) { placed(e); },
                 [&](const events::AttemptSucceeded& e) { succeeded(e); },
                 [&](const events::AttemptFailed& e) {
                   const Task* task = state_.task(e.attempt.task_ref());
                   require(task != nullptr && task->epoch == e.attempt.epoch,
                           "a failure of an old epoch", &event);
                   counted_.insert(e.attempt.epoch);
                   require(!calm_ || (e.failure.code != "lease.expired" &&
                                      e.failure.code != "attempt.lost"),
                           "an attempt is lost though nothing went wrong", &event);
                 },
                 [&](const events::KeysForgotten& e) { forgotten(e, at); },
                 [&](const events::SnapshotsExpired& e) { expired(e); },
                 [](const auto&) {},
             },
             event);
  if (violation_) return;
  apply(state_, event);
  origins_.note(event);
  if (const auto* e = std::get_if<events::AttemptPlaced>(&event)) {
    const WorkerLoad* load = state_.load(e->worker);
    const auto capacity = capacities_.find(e->worker);
    require(capacity != capacities_.end(), "placed on a worker that never was", &event);
    if (capacity != capacities_.end())
      require(load->used.fits_into(capacity->second), "a worker holds more than it has", &event);
    const RunHeader& run = *state_.run(e->attempt.run);
    require(run.spec->max_parallel == 0 || run.counts.running <= run.spec->max_parallel,
            "a run has more attempts than its limit", &event);
    const auto limit = settings_.queue_limits.find(run.spec->queue);
    require(limit == settings_.queue_limits.end() ||
                state_.queue_running(run.spec->queue) <= limit->second,
            "a queue has more attempts than its limit", &event);
    require(run.desired != DesiredState::kPaused, "placed while the run is paused", &event);
  }
}

void Checker::taken_over(const events::RunCreated& e) {
  const Event event = e;
  require(finished_.contains(e.rerun_of), "a run is done again that has not ended", &event);
  if (violation_) return;
  const OriginBook::Entry& before = *origins_.ended(e.rerun_of);
  require(before.spec == e.spec || *before.spec == *e.spec, "a rerun of another document", &event);
  require(before.origin.pins == e.pins, "a rerun begins with other snapshots than its origin",
          &event);
  std::set<TaskIndex>& taken = taken_[e.run];
  for (const events::TakenTask& task : e.taken) {
    const OriginTask& of = before.origin.tasks.at(task.task.value());
    require(of.state == TaskState::kSucceeded, "a task is taken over that did not succeed", &event);
    require(of.source == task.source && of.snapshots == task.snapshots,
            "a task is taken over with what it did not write", &event);
    for (const TaskIndex need : e.spec->tasks[task.task.value()].needs)
      require(taken.contains(need), "a task is taken over and what it needs is not", &event);
    require(taken.insert(task.task).second, "a task is taken over twice", &event);
  }
  require(taken.size() < e.spec->tasks.size(), "a rerun of nothing", &event);
}

void Checker::reads_as_origin(const events::AttemptPlaced& e) {
  const Event event = e;
  const RunHeader& run = *state_.run(e.attempt.run);
  if (run.rerun_of.is_nil()) return;
  const std::set<TaskIndex>& taken = taken_[run.id];
  require(!taken.contains(e.attempt.task), "a task runs that was taken over", &event);
  const auto before = first_inputs_.find({run.rerun_of, e.attempt.task});
  if (before == first_inputs_.end())
    return;  // it did not come so far, or ran in the origin's origin
  const std::vector<TaskIndex>& needs = run.task_spec(e.attempt.task).needs;
  for (const events::Pin& input : e.inputs) {
    // Where every writer of the run is a need that was taken over, both read the same.
    bool same = true;
    for (std::uint32_t i = 0; i < run.spec->tasks.size() && same; ++i)
      for (const DatasetWrite& write : run.spec->tasks[i].writes)
        if (write.dataset == input.dataset)
          same = same && taken.contains(TaskIndex(i)) &&
                 std::find(needs.begin(), needs.end(), TaskIndex(i)) != needs.end();
    if (same)
      require(
          std::find(before->second.begin(), before->second.end(), input) != before->second.end(),
          "a rerun reads another snapshot than its origin", &event);
  }
}

void Checker::placed(const events::AttemptPlaced& e) {
  const Event event = e;
  const TaskRef ref = e.attempt.task_ref();
  require(placed_.insert(e.attempt.epoch).second, "an epoch is used twice", &event);
  require(e.attempt.epoch == *placed_.rbegin(), "epochs do not grow", &event);
  const auto [first, is_first] = first_inputs_.emplace(ref, e.inputs);
  if (!is_first && e.phase == Phase::kExecute)
    require(first->second == e.inputs, "a retry reads other snapshots than the first attempt",
            &event);
  const RunHeader* run = state_.run(ref.run);
  require(run != nullptr, "placed in a run that is over", &event);
  if (run == nullptr) return;
  for (const TaskIndex need : run->task_spec(ref.task).needs)
    require(is_terminal(state_.task({ref.run, need})->state),
            "placed before what it needs has ended", &event);
  if (e.phase == Phase::kExecute) reads_as_origin(e);
  bases_[e.attempt.epoch] = e.bases;
  for (const events::Pin& input : e.inputs) reads_[e.attempt.epoch].push_back(input.snapshot);
}

void Checker::expired(const events::SnapshotsExpired& e) {
  const Event event = e;
  const std::set<SnapshotId> gone(e.snapshots.begin(), e.snapshots.end());
  const Head* head = state_.head(e.dataset);
  require(head != nullptr && !gone.contains(head->snapshot), "the newest snapshot expires", &event);
  const auto spares = [&gone](const std::vector<events::Pin>& pins) {
    return std::none_of(pins.begin(), pins.end(),
                        [&](const events::Pin& pin) { return gone.contains(pin.snapshot); });
  };
  for (const auto& [id, run] : state_.runs()) {
    require(spares(run.header.pins), "a snapshot expires that a run has pinned", &event);
    for (const SnapshotId& snapshot : run.header.outgrown)
      require(!gone.contains(snapshot), "a snapshot expires that a run began with", &event);
    for (const auto& [task, pins] : run.header.task_pins)
      require(spares(pins.inputs) && spares(pins.bases),
              "a snapshot expires that a task has pinned", &event);
  }
  for (const auto& [id, hold] : state_.holds())
    for (const SnapshotId& snapshot : hold.snapshots)
      require(!gone.contains(snapshot), "a snapshot expires that is held for a rerun", &event);
  for (const SnapshotId& snapshot : e.snapshots) {
    require(kept_.erase(snapshot) == 1, "a snapshot expires that is not there", &event);
    for (const std::string& file : contents_[snapshot])
      if (--holders_[file] == 0) holders_.erase(file);
  }
}

// By the meaning of the modes: an append adds to what was there, an overwrite replaces it.
void Checker::committed(const AttemptPrefix& attempt, const events::SnapshotCommitted& snapshot) {
  std::set<std::string> files;
  if (snapshot.mode == WriteMode::kAppend) files = contents_[snapshot.parent];
  for (std::string& file : committed_files(attempt, snapshot, nullptr))
    files.insert(std::move(file));
  kept_.insert(snapshot.snapshot);
  for (const std::string& file : files) ++holders_[file];
  contents_[snapshot.snapshot] = std::move(files);
}

void Checker::file_goes(const AttemptPrefix& attempt, const std::string& file) {
  if (holders_.contains(file)) violate("a file of a snapshot that is kept is deleted: " + file);
  for (const auto& [task, epochs] : running_) {
    for (const Epoch epoch : epochs) {
      if (epoch == attempt.epoch) violate("a file of an attempt that runs is deleted: " + file);
      for (const SnapshotId& input : reads_[epoch])
        if (contents_[input].contains(file))
          violate("a file that a running attempt reads is deleted: " + file);
    }
  }
}

void Checker::everything_swept(const std::set<std::string>& present,
                               const std::set<std::string>& referenced) {
  for (const std::string& file : present)
    if (!referenced.contains(file)) violate("nothing refers to the file " + file);
  for (const std::string& file : referenced)
    if (!present.contains(file)) violate("a file is missing: " + file);
  for (const auto& [file, count] : holders_)
    if (!referenced.contains(file)) violate("the catalog does not know the file " + file);
  require(referenced.size() == holders_.size(), "the catalog knows files that no snapshot has");
}

void Checker::forgotten(const events::KeysForgotten& e, WallTime at) {
  require(at - e.ended_before >= settings_.key_retention - Micros(1),
          "a key is forgotten before its time");
  // From here on it may start another run.
  for (const auto& [name, entry] : state_.keys())
    if (entry.ended != WallTime() && entry.ended < e.ended_before) keys_.erase(name.name);
}

void Checker::succeeded(const events::AttemptSucceeded& e) {
  const Event event = e;
  const Task* task = state_.task(e.attempt.task_ref());
  require(task != nullptr && task->epoch == e.attempt.epoch && holds_lease(task->state),
          "a result of an epoch that is not current", &event);
  if (violation_) return;
  require(task->worker == e.worker, "a result of a worker that does not hold the attempt", &event);
  require(counted_.insert(e.attempt.epoch).second, "two results of one epoch", &event);
  const auto truth = produced_.find(e.attempt.epoch);
  require(truth != produced_.end() && truth->second, "a success that no worker produced", &event);
  const RunHeader& run = *state_.run(e.attempt.run);
  for (const events::SnapshotCommitted& snapshot : e.snapshots) {
    const Head* head = state_.head({run.ns, snapshot.dataset});
    require((head == nullptr ? SnapshotId() : head->snapshot) == snapshot.parent,
            "a snapshot's parent is not the head", &event);
    committed({run.ns, e.attempt.run, e.attempt.task, e.attempt.epoch}, snapshot);
    if (snapshot.mode != WriteMode::kOverwrite) continue;
    for (const events::Pin& base : bases_[e.attempt.epoch])
      if (base.dataset == snapshot.dataset)
        require(base.snapshot == snapshot.parent, "an overwrite of a head that it did not know",
                &event);
  }
  bases_.erase(e.attempt.epoch);
}

void Checker::worker_exists(WorkerId worker, const Resources& capacity) {
  capacities_[worker] = capacity;
}

void Checker::attempt_begins(const AttemptRef& attempt, WorkerId) {
  auto& running = running_[attempt.task_ref()];
  running.insert(attempt.epoch);
  if (running.size() > 1)
    violate("two attempts of one task run at the same time: task " +
            std::to_string(attempt.task.value()) + " of " + attempt.run.to_text() + ", epochs " +
            std::to_string(running.begin()->value()) + " and " +
            std::to_string(running.rbegin()->value()));
}

void Checker::attempt_ends(const AttemptRef& attempt) {
  const auto it = running_.find(attempt.task_ref());
  if (it == running_.end()) return;
  it->second.erase(attempt.epoch);
  if (it->second.empty()) running_.erase(it);
}

void Checker::produced(const AttemptRef& attempt, bool success) {
  produced_[attempt.epoch] = success;
}

void Checker::told_run(RunId run, const std::string& key) {
  require(created_.contains(run), "a run is acknowledged that is not in the log");
  if (key.empty()) return;
  const auto it = keys_.find(key);
  require(it != keys_.end() && it->second == run, "an acknowledged key belongs to another run");
}

void Checker::told_accepted(const AttemptRef& attempt) {
  require(counted_.contains(attempt.epoch), "a result is acknowledged that is not in the log");
}

void Checker::told_start(const AttemptRef& attempt) {
  require(placed_.contains(attempt.epoch), "an attempt is started that is not in the log");
}

void Checker::everything_ended() {
  for (const auto& [id, run] : state_.runs()) {
    std::string text = "run " + run.header.name + " has not ended:";
    for (std::size_t i = 0; i < run.tasks.size(); ++i)
      if (!is_terminal(run.tasks[i].state))
        text +=
            " " + run.header.spec->tasks[i].name + "=" + std::string(to_string(run.tasks[i].state));
    violate(text);
  }
  require(state_.loads().empty(), "a worker still holds something");
  require(state_.live_tasks() == 0 && state_.ready().empty() && state_.held_back().empty(),
          "something is left in an index");
}

}  // namespace millrace::simulation
