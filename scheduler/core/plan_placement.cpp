// Placement of ready tasks, and the answer to "why does it wait?", by the same functions.
#include <algorithm>
#include <limits>

#include "scheduler/core/planner.h"
#include "scheduler/core/planted.h"
#include "scheduler/core/ready.h"

namespace millrace::scheduler {
namespace {

std::optional<std::uint32_t> queue_limit(const Settings& settings, const std::string& queue) {
  const auto it = settings.queue_limits.find(queue);
  return it == settings.queue_limits.end() ? std::nullopt : std::optional(it->second);
}

ReadyKey after(const ReadyKey& key) {
  return {key.run_order, {key.task.run, key.task.task.next()}};
}

}  // namespace

void Planner::place() {
  std::vector<Candidate> candidates =
      candidates_of(liveness_, now_, settings_, [this](WorkerId id) { return draft_.used(id); });
  if (candidates.empty()) return;
  // The next task of each group; the first of them is served. A group whose task found no room
  // anywhere is done for this batch: its others ask for the same.
  std::map<ReadyKey, const ReadyGroup*> open;  // groups of the state, or of the draft, which keep
  for (const ReadyGroup* group : draft_.ready_groups())
    if (const auto first = draft_.first_ready(*group, ReadyKey{})) open.emplace(*first, group);
  std::size_t placed = 0;
  while (!open.empty() && placed < settings_.max_placements) {
    const auto [key, group] = *open.begin();
    open.erase(open.begin());
    const auto limit = queue_limit(settings_, group->queue);
    if (limit && !MILLRACE_PLANTED(kQueueLimitIgnored) &&
        draft_.queue_running(group->queue) >= *limit)
      continue;
    // A task of another group may have taken the run's last place since this one was looked up.
    if (!is_full(*draft_.run(key.task.run))) {
      const Task& task = *draft_.task(key.task);
      const WorkerId avoid = task.avoid_last_worker ? task.worker : WorkerId();
      if (const auto worker = first_fit(candidates, group->request, avoid)) {
        place_task(key, *worker);
        ++placed;
        for (Candidate& candidate : candidates)
          if (candidate.id == *worker) candidate.free = candidate.free - group->request;
      } else if (avoid.is_nil() || !first_fit(candidates, group->request, WorkerId())) {
        continue;
      }
      // Else only the avoided worker has room: others of the group may still go there.
    }
    if (const auto next = draft_.first_ready(*group, after(key))) open.emplace(*next, group);
  }
}

void Planner::place_task(const ReadyKey& key, WorkerId worker) {
  const RunFacts& run = *draft_.run(key.task.run);
  const TaskSpec& spec = run.task_spec(key.task.task);
  const Task& task = *draft_.task(key.task);
  std::vector<events::Pin> inputs;
  const TaskPins* pinned = draft_.pins(key.task);
  if (pinned != nullptr && !MILLRACE_PLANTED(kRetryRereadsInputs)) {
    inputs = pinned->inputs;  // retries read what the first attempt read
  } else {
    for (const std::string& dataset : spec.reads) {
      const auto pin = std::lower_bound(
          run.pins.begin(), run.pins.end(), dataset,
          [](const events::Pin& p, const std::string& name) { return p.dataset < name; });
      if (pin == run.pins.end() || pin->dataset != dataset) continue;
      inputs.push_back(*pin);
      if (const Head* head = draft_.head({run.ns, dataset});
          MILLRACE_PLANTED(kRetryRereadsInputs) && head != nullptr)
        inputs.back().snapshot = head->snapshot;
    }
  }
  // What it reads and overwrites must be as it read it: whatever was written since would be lost.
  std::vector<events::Pin> bases;
  for (const DatasetWrite& write : spec.writes) {
    if (write.mode != WriteMode::kOverwrite) continue;
    const Head* head = draft_.head({run.ns, write.dataset});
    const events::Pin* read = events::find_pin(inputs, write.dataset);
    bases.push_back({write.dataset, read != nullptr   ? read->snapshot
                                    : head != nullptr ? head->snapshot
                                                      : SnapshotId()});
  }
  emit(events::AttemptPlaced{
      {key.task.run, key.task.task, task.attempt.next(),
       MILLRACE_PLANTED(kRetryKeepsEpoch) && task.epoch != Epoch() ? task.epoch
                                                                   : draft_.next_epoch()},
      worker,
      task.phase,
      spec.request,
      std::move(inputs),
      std::move(bases),
      now_.wall,
      liveness_.workers().at(worker).name});
}

std::string Planner::what_was_short(TaskRef ref) const {
  constexpr std::size_t kNamed = 3;  // workers, so that a message stays one
  const WaitReason why = explain_wait(state_, liveness_, ref, settings_);
  if (why.code == "NotWaiting") return "";
  std::string text = ": " + why.message;
  for (std::size_t i = 0; i < std::min(kNamed, why.workers.size()); ++i)
    text += (i == 0 ? ": " : "; ") + why.workers[i];
  if (why.workers.size() > kNamed)
    text += "; and " + std::to_string(why.workers.size() - kNamed) + " more";
  return text;
}

WaitReason explain_wait(const State& state, const Liveness& liveness, TaskRef ref,
                        const Settings& settings) {
  const RunHeader* run = state.run(ref.run);
  const Task* task = state.task(ref);
  if (run == nullptr || task == nullptr || task->state != TaskState::kReady)
    return {"NotWaiting", "the task does not wait for room", {}};
  if (run->desired == DesiredState::kPaused)
    return {"Paused", "the run is paused: `millrace resume " + run->name + "` lets it go on", {}};
  const auto limit = queue_limit(settings, run->spec->queue);
  if (limit && state.queue_running(run->spec->queue) >= *limit)
    return {"QuotaExhausted",
            "queue \"" + run->spec->queue + "\" runs " + std::to_string(*limit) +
                " attempts, its limit",
            {}};
  if (is_full(*run))
    return {"RunLimit",
            "the run has " + std::to_string(run->counts.running) + " attempts, its limit",
            {}};
  // Everyone who is connected counts here, so that a late heartbeat does not read as an empty
  // house.
  std::vector<Candidate> candidates;
  for (const auto& [id, worker] : liveness.workers()) {
    if (!worker.connected || worker.draining) continue;
    const WorkerLoad* load = state.load(id);
    candidates.push_back({id, worker.name, worker.capacity,
                          load == nullptr ? worker.capacity : worker.capacity - load->used});
  }
  const Resources& request = run->task_spec(ref.task).request;
  WaitReason reason{no_fit_code(candidates, request), "", {}};
  for (const Candidate& candidate : candidates) {
    const std::string lack = shortage(request, candidate.free);
    reason.workers.push_back(candidate.name + (lack.empty() ? " has room" : " " + lack));
  }
  reason.message = reason.code == "NoWorkers" ? "no worker is connected"
                   : reason.code == "NeverFits"
                       ? "it asks for more than any worker has: lower its resources "
                         "or add a larger worker"
                       : "every worker that is large enough is busy";
  return reason;
}

}  // namespace millrace::scheduler
