#include "scheduler/simulation/transcript.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <utility>

#include "base/overloaded.h"

namespace millrace::simulation {

using namespace scheduler;  // NOLINT(google-build-using-namespace): a file over the core's types

namespace {

std::string time_text(Micros at) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3fs", static_cast<double>(at.value()) / 1e6);
  return text.data();
}

std::string seconds_text(Micros duration) {
  return std::to_string(duration.value() / 1'000'000) + "s";
}

std::string options_of(const TaskSpec& task) {
  std::string text = "cpu=" + std::to_string(task.request.cpu.value()) +
                     " mem=" + std::to_string(task.request.memory.value() >> 20);
  if (task.run_on != RunOn::kSuccess) text += " on=" + std::string(to_string(task.run_on));
  if (!task.reads.empty()) text += " reads=" + task.reads.front();
  if (!task.writes.empty()) {
    const DatasetWrite& write = task.writes.front();
    text += (write.mode == WriteMode::kAppend ? " appends=" : " writes=") + write.dataset;
    if (write.on_conflict == OnConflict::kFail) text += " conflict=Fail";
  }
  if (task.publishes) text += " publishes";
  if (task.timeout > Micros(0)) text += " timeout=" + seconds_text(task.timeout);
  if (task.attempt_timeout > Micros(0)) text += " attempt=" + seconds_text(task.attempt_timeout);
  if (task.queue_timeout > Micros(0)) text += " queue=" + seconds_text(task.queue_timeout);
  if (!task.on_error.empty()) {
    const RetryRow& row = task.on_error.front();
    if (row.action == RetryRow::Action::kFailRun)
      text += " fail-run";
    else
      text += " retry=" + std::to_string(row.max_attempts);
  }
  return text;
}

// All that is not taken over, as if it had been asked for: the same comes of it.
std::string rerun_text(const ScenarioNames& names, const events::RunCreated& e) {
  std::set<TaskIndex> taken;
  for (const events::TakenTask& task : e.taken) taken.insert(task.task);
  std::string text = "rerun " + names.runs.at(e.run) + " of " + names.runs.at(e.rerun_of);
  std::string again;
  for (std::uint32_t i = 0; i < e.spec->tasks.size(); ++i)
    if (!taken.contains(TaskIndex(i)))
      again += (again.empty() ? " again=" : "+") + e.spec->tasks[i].name;
  text += again;
  if (!e.key.empty()) text += " key=" + e.key;
  return text;
}

std::string submit_text(const std::string& run, const events::RunCreated& e) {
  std::string text = "submit " + run + " {";
  for (std::size_t i = 0; i < e.spec->tasks.size(); ++i) {
    const TaskSpec& task = e.spec->tasks[i];
    text += (i == 0 ? "" : "; ") + task.name;
    if (!task.needs.empty()) text += ":";
    for (const TaskIndex need : task.needs) text += " " + e.spec->tasks[need.value()].name;
    text += " (" + options_of(task) + ")";
  }
  text += "}";
  if (e.spec->max_parallel != 0) text += " parallel=" + std::to_string(e.spec->max_parallel);
  if (e.spec->timeout > Micros(0)) text += " timeout=" + seconds_text(e.spec->timeout);
  if (!e.key.empty()) text += " key=" + e.key;
  return text;
}

// Failures that the scheduler comes to by itself; all others a worker reported.
bool decided_here(const std::string& code) {
  static const std::set<std::string> kCodes{"lease.expired",    "attempt.lost",
                                            "worker.restarted", "attempt.timed_out",
                                            "task.timed_out",   "cancel.unanswered"};
  return kCodes.contains(code);
}

void join(std::string& list, const std::string& item) {
  if (item.empty()) return;
  list += list.empty() ? "" : ", ";
  list += item;
}

}  // namespace

void Transcript::joined(const WorkerJoined& worker) { joined_.push_back(worker); }

std::string Transcript::take_joined() {
  // Placement goes by ids, and a scenario gives them in the order of the words.
  std::sort(joined_.begin(), joined_.end(),
            [](const WorkerJoined& a, const WorkerJoined& b) { return a.worker < b.worker; });
  std::string actions;
  for (const WorkerJoined& worker : std::exchange(joined_, {})) {
    const auto [name, is_new] =
        names_.workers.emplace(worker.worker, "w" + std::to_string(names_.workers.size() + 1));
    std::string action;
    if (is_new) {
      action = "worker " + name->second + " cpu=" + std::to_string(worker.capacity.cpu.value()) +
               " mem=" + std::to_string(worker.capacity.memory.value() >> 20);
    } else {
      action = name->second + " back";
      for (const AttemptRef& attempt : worker.attempts)
        if (names_.runs.contains(attempt.run)) action += " " + names_.of(attempt);
    }
    join(actions, action);
  }
  return actions;
}

void Transcript::appended(const Batch& batch, Micros at) {
  std::string actions = take_joined();
  std::string expected;
  for (const Event& event : batch.events) {
    add_names(event);
    join(actions, action_of(event));
    if (!std::holds_alternative<events::LeaderStarted>(event))
      join(expected, scenario_text(event, names_));
  }
  if (actions.empty()) actions = "tick";
  std::string line = time_text(at) + "  " + actions;
  if (!expected.empty()) line += "  -> " + expected;
  lines_.push_back(std::move(line));
}

void Transcript::add_names(const Event& event) {
  if (const auto* created = std::get_if<events::RunCreated>(&event)) {
    names_.runs.emplace(created->run, "r" + std::to_string(names_.runs.size() + 1));
    names_.specs.emplace(created->run, created->spec);
  } else if (const auto* placed = std::get_if<events::AttemptPlaced>(&event)) {
    names_.workers.emplace(placed->worker, "w" + std::to_string(names_.workers.size() + 1));
  }
}

std::string Transcript::action_of(const Event& event) const {
  return std::visit(
      Overloaded{
          [](const events::LeaderStarted&) { return std::string("new leader"); },
          [&](const events::RunCreated& e) {
            return e.rerun_of.is_nil() ? submit_text(names_.runs.at(e.run), e)
                                       : rerun_text(names_, e);
          },
          [&](const events::RunDesired& e) {
            const std::string verb = e.desired == DesiredState::kCancelled ? "cancel "
                                     : e.desired == DesiredState::kPaused  ? "pause "
                                                                           : "resume ";
            return e.reason.empty() ? verb + names_.runs.at(e.run) : std::string();
          },
          [&](const events::AttemptSucceeded& e) {
            std::string text = names_.workers.at(e.worker) + " ok " + names_.of(e.attempt);
            if (!e.snapshots.empty()) text += " wrote";
            for (const auto& snapshot : e.snapshots) text += " " + snapshot.dataset;
            return text;
          },
          [&](const events::AttemptFailed& e) {
            const std::string& code = e.failure.code;
            const std::string who = names_.workers.at(e.worker);
            if (decided_here(code)) return std::string();
            if (code.starts_with("dataset.conflict"))
              return who + " ok " + names_.of(e.attempt) + " wrote " +
                     names_.specs.at(e.attempt.run)
                         ->tasks[e.attempt.task.value()]
                         .writes.front()
                         .dataset;
            std::string text = who + " fails " + names_.of(e.attempt) + " " +
                               std::string(to_string(e.failure.error_class)) + " " + code;
            if (e.failure.exit_code != 0) text += " exit=" + std::to_string(e.failure.exit_code);
            return text;
          },
          [](const auto&) { return std::string(); },
      },
      event);
}

std::string Transcript::text() const {
  std::string text;
  for (const std::string& line : lines_) text.append(line).append("\n");
  return text;
}

}  // namespace millrace::simulation
