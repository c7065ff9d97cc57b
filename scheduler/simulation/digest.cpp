#include "scheduler/simulation/digest.h"

#include <string>

namespace millrace::simulation {
namespace {

using namespace scheduler;  // NOLINT: a file of one function over the core's types

std::uint64_t fold(std::uint64_t hash, const RawId& id) {
  return simulation::fold(simulation::fold(hash, id.high), id.low);
}
std::uint64_t fold(std::uint64_t hash, WallTime time) {
  return simulation::fold(hash, static_cast<std::uint64_t>(time.value()));
}
std::uint64_t fold(std::uint64_t hash, const std::vector<events::Pin>& pins) {
  for (const events::Pin& pin : pins)
    hash = fold(simulation::fold(hash, pin.dataset), pin.snapshot.raw());
  return hash;
}

std::uint64_t fold(std::uint64_t hash, const Task& task) {
  for (const std::uint64_t part :
       {static_cast<std::uint64_t>(task.state), static_cast<std::uint64_t>(task.phase),
        static_cast<std::uint64_t>(task.avoid_last_worker), static_cast<std::uint64_t>(task.stop),
        static_cast<std::uint64_t>(task.crashes), static_cast<std::uint64_t>(task.failures),
        static_cast<std::uint64_t>(task.needs_open),
        static_cast<std::uint64_t>(task.attempt.value()), task.epoch.value(),
        task.publication_order})
    hash = simulation::fold(hash, part);
  hash = fold(hash, task.worker.raw());
  for (const WallTime time : {task.since, task.first_ready, task.retry_at}) hash = fold(hash, time);
  return hash;
}

std::uint64_t fold(std::uint64_t hash, const RunHeader& run) {
  hash = fold(fold(hash, run.id.raw()), run.rerun_of.raw());
  hash = simulation::fold(hash, run.order);
  for (const std::string* text : {&run.ns, &run.name, &run.workflow, &run.key, &run.desired_reason,
                                  &run.last_error, &run.notice, &run.rerun_of_name})
    hash = simulation::fold(hash, *text);
  hash = simulation::fold(hash, static_cast<std::uint64_t>(run.desired));
  hash = fold(fold(hash, run.created), run.held_until);
  hash = fold(hash, run.pins);
  for (const SnapshotId& snapshot : run.outgrown) hash = fold(hash, snapshot.raw());
  for (const auto& [task, pins] : run.task_pins)
    hash = fold(fold(simulation::fold(hash, task.value()), pins.inputs), pins.bases);
  const RunCounts& counts = run.counts;
  for (const std::uint32_t count : {counts.open, counts.running, counts.succeeded, counts.failed,
                                    counts.skipped, counts.cancelled})
    hash = simulation::fold(hash, count);
  return hash;
}

}  // namespace

std::uint64_t fold(std::uint64_t hash, std::uint64_t value) {
  char bytes[sizeof value];
  for (char& byte : bytes) {
    byte = static_cast<char>(value & 0xFF);
    value >>= 8;
  }
  return fnv1a({bytes, sizeof bytes}, hash);
}

std::uint64_t fold(std::uint64_t hash, std::string_view text) {
  return fold(fnv1a(text, hash), std::uint64_t{text.size()});
}

std::uint64_t digest(const State& state) {
  std::uint64_t hash = fold(kFoldStart, state.next_epoch().value());
  hash = fold(hash, state.next_run_order());
  hash = fold(hash, state.next_publication_order());
  hash = fold(hash, state.next_document_version());
  hash = fold(hash, static_cast<std::uint64_t>(state.live_tasks()));
  for (const auto& [id, run] : state.runs()) {
    hash = fold(hash, run.header);
    for (const Task& task : run.tasks) hash = fold(hash, task);
  }
  for (const auto& [key, document] : state.documents())
    hash = fold(fold(fold(fold(fold(hash, key.first), key.second.ns), key.second.name),
                     document.generation),
                document.version);
  for (const auto& [name, head] : state.heads())
    hash = fold(fold(fold(hash, name.ns), name.name), head.snapshot.raw());
  for (const auto& [name, entry] : state.keys())
    hash = fold(fold(fold(fold(hash, name.ns), name.name), entry.run.raw()), entry.ended);
  for (const auto& [run, hold] : state.holds()) {
    hash = fold(fold(hash, run.raw()), hold.ended);
    for (const SnapshotId& snapshot : hold.snapshots) hash = fold(hash, snapshot.raw());
  }
  for (const ReadyIndex* index : {&state.ready(), &state.held_back()})
    for (const auto& [group, runs] : *index)
      for (const auto& [place, tasks] : runs)
        for (const TaskIndex task : tasks)
          hash = fold(fold(fold(hash, group.queue), place.order), task.value());
  for (const auto& [worker, load] : state.loads())
    hash = fold(fold(fold(hash, worker.raw()), static_cast<std::uint64_t>(load.used.cpu.value())),
                static_cast<std::uint64_t>(load.tasks.size()));
  return hash;
}

}  // namespace millrace::simulation
