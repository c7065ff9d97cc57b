#include "scheduler/core/scenario.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/overloaded.h"
#include "scheduler/core/apply.h"
#include "scheduler/core/liveness.h"
#include "scheduler/core/origin_book.h"
#include "scheduler/core/plan.h"

namespace millrace::scheduler {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && (text[i] == '{' || text[i] == '(')) ++depth;
    if (i < text.size() && (text[i] == '}' || text[i] == ')')) --depth;
    if (i < text.size() && (text[i] != separator || depth > 0)) continue;
    std::string part(text.substr(begin, i - begin));
    part.erase(0, part.find_first_not_of(" \t"));
    part.erase(part.find_last_not_of(" \t") + 1);
    if (!part.empty()) parts.push_back(part);
    begin = i + 1;
  }
  return parts;
}

Micros duration(const std::string& text) {
  const double count = std::stod(text);
  const double unit = text.ends_with("ms")  ? 1e3
                      : text.ends_with('h') ? 3600e6
                      : text.ends_with('m') ? 60e6
                                            : 1e6;
  return Micros(static_cast<std::int64_t>(count * unit));
}

// "key=value" words into a map; bare words map to "".
std::map<std::string, std::string> options(const std::string& text) {
  std::map<std::string, std::string> found;
  for (const std::string& word : split(text, ' ')) {
    const auto equals = word.find('=');
    found[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
  }
  return found;
}

TaskSpec parse_task(const std::string& text, const std::map<std::string, std::uint32_t>& names) {
  TaskSpec task;
  const auto open = text.find('(');
  const auto words = split(text.substr(0, open), ' ');
  MILLRACE_CHECK(!words.empty(), "a task without a name");
  task.name = words[0].substr(0, words[0].find(':'));
  task.request = {MilliCpu(1000), mebibytes(256), Bytes(0)};
  for (std::size_t i = 1; i < words.size(); ++i) task.needs.emplace_back(names.at(words[i]));
  if (open == std::string::npos) return task;
  OnConflict on_conflict = OnConflict::kRetry;
  for (const auto& [key, value] : options(text.substr(open + 1, text.rfind(')') - open - 1))) {
    if (key == "on")
      task.run_on = value == "Failure" ? RunOn::kFailure : RunOn::kAlways;
    else if (key == "conflict")
      on_conflict = OnConflict::kFail;
    else if (key == "reads")
      task.reads.push_back(value);
    else if (key == "writes")
      for (const std::string& dataset : split(value, '+'))
        task.writes.push_back({dataset, WriteMode::kOverwrite, OnConflict::kRetry});
    else if (key == "appends")
      task.writes.push_back({value, WriteMode::kAppend, OnConflict::kRetry});
    else if (key == "publishes")
      task.publishes = true;
    else if (key == "timeout")
      task.timeout = duration(value);
    else if (key == "attempt")
      task.attempt_timeout = duration(value);
    else if (key == "queue")
      task.queue_timeout = duration(value);
    else if (key == "cpu")
      task.request.cpu = MilliCpu(std::stol(value));
    else if (key == "mem")
      task.request.memory = mebibytes(std::stol(value));
    else if (key == "retry") {
      RetryRow row;
      row.max_attempts = static_cast<std::uint32_t>(std::stoul(value));
      task.on_error.push_back(row);
    } else if (key == "fail-run") {
      RetryRow row;
      row.action = RetryRow::Action::kFailRun;
      task.on_error.push_back(row);
    } else
      MILLRACE_CHECK(false, "no such option of a task: " + key);
  }
  for (DatasetWrite& write : task.writes) write.on_conflict = on_conflict;
  return task;
}

WorkflowSpecRef parse_spec(const std::string& tasks,
                           const std::map<std::string, std::string>& run_options) {
  auto spec = std::make_shared<WorkflowSpec>();
  std::map<std::string, std::uint32_t> names;
  const auto texts = split(tasks, ';');
  for (std::uint32_t i = 0; i < texts.size(); ++i)
    names[split(split(texts[i], ' ')[0], ':')[0]] = i;
  for (const std::string& text : texts) spec->tasks.push_back(parse_task(text, names));
  if (const auto it = run_options.find("parallel"); it != run_options.end())
    spec->max_parallel = static_cast<std::uint32_t>(std::stoul(it->second));
  if (const auto it = run_options.find("timeout"); it != run_options.end())
    spec->timeout = duration(it->second);
  const Status finished = spec->finish();
  MILLRACE_CHECK(finished.ok(), finished.error().to_text());
  return spec;
}

class Player {
 public:
  explicit Player(const Settings& settings) : settings_(settings) {}

  std::string play(std::string_view text) {
    std::istringstream lines{std::string(text)};
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
      if (const auto comment = line.find("//"); comment != std::string::npos) line.resize(comment);
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      if (const std::string wrong = play_line(line); !wrong.empty()) {
        std::ostringstream report;
        report << "line " << number << ": " << line << "\n  " << wrong;
        return report.str();
      }
    }
    return "";
  }

 private:
  std::string play_line(const std::string& line) {
    const auto arrow = line.find("->");
    std::string left = line.substr(0, arrow);
    left.erase(0, left.find_first_not_of(" \t"));
    const auto space = left.find(' ');
    move_to(duration(left.substr(0, space)));
    std::vector<Input> inputs;
    came_.clear();
    for (const std::string& action : split(left.substr(space), ',')) act(action, inputs);
    step(inputs);
    if (arrow == std::string::npos) return "";
    std::string expected;
    for (const std::string& part : split(line.substr(arrow + 2), ','))
      expected += (expected.empty() ? "" : ", ") + part;
    std::string came;
    for (const std::string& part : came_) came += (came.empty() ? "" : ", ") + part;
    if (came.empty()) came = "nothing";
    return came == expected ? "" : "came:     " + came + "\n  expected: " + expected;
  }

  void move_to(Micros since_start) {
    now_ = {WallTime(1'700'000'000'000'000) + since_start, Monotonic(1'000'000) + since_start};
  }

  void act(const std::string& action, std::vector<Input>& inputs) {
    const auto words = split(action, ' ');
    const std::string& verb = words[0];
    const auto rest = [&](std::size_t from) {
      std::string text;
      for (std::size_t i = from; i < words.size(); ++i) text += words[i] + " ";
      return text;
    };
    if (verb == "tick") return;
    if (verb == "new") return new_leader();
    if (verb == "worker") return join(words[1], options(rest(2)), {}, {}, inputs);
    if (verb == "submit") return submit(action, inputs);
    if (verb == "rerun") return rerun(words[1], words.at(3), options(rest(4)), inputs);
    if (verb == "cancel" || verb == "pause" || verb == "resume") {
      const DesiredState desired = verb == "cancel"  ? DesiredState::kCancelled
                                   : verb == "pause" ? DesiredState::kPaused
                                                     : DesiredState::kRunning;
      inputs.push_back(SetDesiredState{RequestId(1), run_ids_.at(words[1]), desired});
      return;
    }
    const std::string& what = words.at(1);
    const auto attempts = [&](std::size_t from) {
      std::vector<AttemptRef> list;
      for (std::size_t i = from; i < words.size() && words[i] != "wrote"; ++i)
        list.push_back(attempts_.at(words[i]));
      return list;
    };
    if (what == "leaves") return hear(WorkerLeft{worker_ids_.at(verb)}, inputs);
    if (what == "back") return join(verb, {}, attempts(2), {}, inputs);
    if (what == "restarts") return join(words.at(3), {}, {}, worker_ids_.at(verb), inputs);
    if (what == "beats")
      return hear(WorkerHeartbeat{worker_ids_.at(verb), 0, attempts(2), false}, inputs);
    if (what == "ok") {
      AttemptSucceeded result{worker_ids_.at(verb), attempts_.at(words.at(2)), {}, nullptr};
      for (std::size_t i = 4; i < words.size(); ++i) {
        const std::vector<std::string> parts = split(words[i], ':');
        WrittenDataset& write = result.writes.emplace_back(WrittenDataset{parts.at(0), {}, 1});
        if (parts.size() > 1) write.schema_hash.fill(static_cast<std::uint8_t>(parts[1].at(0)));
      }
      inputs.push_back(std::move(result));
      return;
    }
    MILLRACE_CHECK(what == "fails", "no such action: " + action);
    Failure failure;
    MILLRACE_CHECK(parse_error_class(words.at(3), failure.error_class),
                   "no such class: " + words.at(3));
    failure.code = words.at(4);
    const auto more = options(rest(5));
    if (const auto it = more.find("exit"); it != more.end())
      failure.exit_code = std::stoi(it->second);
    inputs.push_back(
        AttemptFailed{worker_ids_.at(verb), attempts_.at(words.at(2)), failure, nullptr});
  }

  void join(const std::string& name, const std::map<std::string, std::string>& with,
            std::vector<AttemptRef> attempts, WorkerId ended, std::vector<Input>& inputs) {
    if (!worker_ids_.contains(name)) {
      worker_ids_[name] = WorkerId(RawId{1, worker_ids_.size() + 1});
      names_.workers[worker_ids_[name]] = name;
    }
    const auto number = [&](const char* key, long standard) {
      const auto it = with.find(key);
      return it == with.end() ? standard : std::stol(it->second);
    };
    const Resources capacity{MilliCpu(number("cpu", 2000)), mebibytes(number("mem", 4096)),
                             mebibytes(1024)};
    hear(WorkerJoined{worker_ids_[name], name, capacity, std::move(attempts), ended, 0,
                      state_.next_epoch()},
         inputs);
  }

  void hear(Input input, std::vector<Input>& inputs) {
    liveness_.observe(input, state_, now_);
    if (!std::holds_alternative<WorkerHeartbeat>(input)) inputs.push_back(std::move(input));
  }

  void submit(const std::string& action, std::vector<Input>& inputs) {
    const auto open = action.find('{');
    const auto close = action.rfind('}');
    const std::string run = split(action.substr(0, open), ' ').at(1);
    const auto with = options(action.substr(close + 1));
    SubmitRun input;
    input.request = RequestId(1);
    input.run = RunId(RawId{2, run_ids_.size() + 1});
    input.ns = "default";
    input.name = run;
    input.workflow = run;
    input.spec = parse_spec(action.substr(open + 1, close - open - 1), with);
    if (const auto it = with.find("key"); it != with.end()) input.key = it->second;
    input.request_hash[0] = static_cast<std::uint8_t>(input.spec->tasks.size());
    if (!run_ids_.contains(run)) {
      run_ids_[run] = input.run;
      names_.runs[input.run] = run;
      names_.specs[input.run] = input.spec;
    }
    inputs.push_back(std::move(input));
  }

  // A run that has not ended is as good as unknown to the book: then its tasks are left out.
  void rerun(const std::string& run, const std::string& of,
             const std::map<std::string, std::string>& with, std::vector<Input>& inputs) {
    const RunId origin = run_ids_.at(of);
    const WorkflowSpecRef spec = names_.specs.at(origin);
    auto rerun = std::make_shared<Rerun>();
    if (const OriginBook::Entry* ended = origins_.ended(origin)) *rerun = ended->origin;
    rerun->origin = origin;
    rerun->origin_name = of;
    const auto tasks = [&](const char* key) {
      std::vector<TaskIndex> found;
      const auto it = with.find(key);
      if (it == with.end()) return found;
      for (const std::string& name : split(it->second, '+'))
        for (std::uint32_t i = 0; i < spec->tasks.size(); ++i)
          if (spec->tasks[i].name == name) found.emplace_back(i);
      return found;
    };
    rerun->asked = tasks("again");
    rerun->changed = tasks("changed");
    SubmitRun input;
    input.request = RequestId(1);
    input.run = RunId(RawId{2, run_ids_.size() + 1});
    input.ns = "default";
    input.name = run;
    input.workflow = of;
    input.spec = spec;
    if (const auto it = with.find("key"); it != with.end()) input.key = it->second;
    input.rerun = std::move(rerun);
    if (!run_ids_.contains(run)) {
      run_ids_[run] = input.run;
      names_.runs[input.run] = run;
      names_.specs[input.run] = spec;
    }
    inputs.push_back(std::move(input));
  }

  void new_leader() {
    state_ = State();
    for (const Event& event : log_) apply(state_, event);
    liveness_ = Liveness();
    liveness_.rebuild(state_, now_, settings_);
  }

  void step(const std::vector<Input>& inputs) {
    liveness_.advance(state_, now_, settings_);
    const Planned planned = plan(state_, liveness_, inputs, now_, settings_);
    liveness_.clear_due();
    for (const Event& event : planned.events) {
      if (const auto* placed = std::get_if<events::AttemptPlaced>(&event))
        attempts_[names_.of(placed->attempt)] = placed->attempt;
      came_.push_back(scenario_text(event, names_));
      log_.push_back(event);
      origins_.note(event);
      apply(state_, event);
      liveness_.applied(event, state_, now_, settings_);
    }
    for (const auto& [reason, count] : planned.counted)
      if (reason != "attempt.failed") came_.push_back("count " + reason);
    for (const Reply& reply : planned.replies)
      if (!reply.body.ok() && !planned.counted.contains(reply.body.error().code))
        came_.push_back("refused " + reply.body.error().code);
  }

  Settings settings_;
  State state_;
  Liveness liveness_;
  Now now_;
  std::vector<Event> log_;
  OriginBook origins_;
  std::vector<std::string> came_;
  ScenarioNames names_;
  std::map<std::string, WorkerId> worker_ids_;
  std::map<std::string, RunId> run_ids_;
  std::map<std::string, AttemptRef> attempts_;
};

}  // namespace

std::string ScenarioNames::of(TaskRef ref) const {
  const std::string& run = runs.at(ref.run);
  const std::string& task = specs.at(ref.run)->tasks.at(ref.task.value()).name;
  return run == "r1" ? task : run + "/" + task;
}

std::string ScenarioNames::of(const AttemptRef& attempt) const {
  return of(attempt.task_ref()) + "#" + std::to_string(attempt.attempt.value());
}

std::string scenario_text(const Event& event, const ScenarioNames& names) {
  return std::visit(
      Overloaded{
          [&](const events::RunCreated& e) {
            std::string text = "created " + names.runs.at(e.run);
            for (const events::TakenTask& taken : e.taken)
              text += (&taken == e.taken.data() ? " with " : " ") +
                      names.of(TaskRef{e.run, taken.task});
            return text;
          },
          [&](const events::RunDesired& e) {
            return "desired " + names.runs.at(e.run) + " " + std::string(to_string(e.desired));
          },
          [&](const events::RunFinished& e) {
            const bool tells = e.outcome == RunOutcome::kSucceeded && !e.message.empty();
            return "finished " + names.runs.at(e.run) + " " + std::string(to_string(e.outcome)) +
                   (tells ? ": " + e.message : "");
          },
          [&](const events::TaskReady& e) { return "ready " + names.of(e.task); },
          [&](const events::TaskEnded& e) {
            std::string text(to_string(e.state));
            text[0] = static_cast<char>(std::tolower(text[0]));
            text += " " + names.of(e.task);
            return e.state == TaskState::kFailed ? text + " " + e.code : text;
          },
          [&](const events::AttemptPlaced& e) {
            return (e.phase == Phase::kPublish ? "publish " : "") + names.of(e.attempt) + " on " +
                   names.workers.at(e.worker);
          },
          [&](const events::AttemptSucceeded& e) {
            std::string text = (e.publication_order != 0 ? "staged " : "ok ") + names.of(e.attempt);
            for (const auto& snapshot : e.snapshots) text += " wrote " + snapshot.dataset;
            return text;
          },
          [&](const events::AttemptFailed& e) {
            const std::string next = std::visit(
                Overloaded{[](const events::Retry& r) { return r.reason; },
                           [](const events::GiveUp& g) { return "gave up " + g.reason; },
                           [](const events::Cancelled&) { return std::string("cancelled"); }},
                e.next);
            return "failed " + names.of(e.attempt) + " " + e.failure.code + " " + next;
          },
          [&](const events::CancelRequested& e) { return "cancelling " + names.of(e.task); },
          [](const events::KeysForgotten&) { return std::string("keys forgotten"); },
          // Of the sweeper, which no scenario tells of.
          [](const events::SnapshotsExpired&) { return std::string(); },
          [](const events::HoldsReleased&) { return std::string(); },
          [](const auto& e) { return to_text(Event(e)); },
      },
      event);
}

std::string run_scenario(std::string_view text, const Settings& settings) {
  return Player(settings).play(text);
}

}  // namespace millrace::scheduler
