#include "scheduler/store/testing/random_log.h"

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace millrace::scheduler {

std::string RandomLog::text() {
  std::string text(below(3) == 0 ? 0 : below(20), '\0');
  for (char& c : text) c = static_cast<char>(below(256));
  return text;
}

BodyHash RandomLog::hash() {
  BodyHash hash{};
  if (below(4) == 0) return hash;
  for (std::uint8_t& byte : hash) byte = static_cast<std::uint8_t>(below(256));
  return hash;
}

Resources RandomLog::resources() { return {MilliCpu(number()), Bytes(number()), Bytes(number())}; }

RetryRow RandomLog::retry_row() {
  RetryRow row;
  for (auto n = below(3); n > 0; --n) row.classes.push_back(any(ErrorClass::kPolicy));
  for (auto n = below(3); n > 0; --n) row.codes.push_back(text());
  for (auto n = below(3); n > 0; --n) row.exit_codes.push_back(static_cast<int>(below(256)) - 128);
  row.action = any(RetryRow::Action::kFailRun);
  row.max_attempts = small();
  row.backoff_initial = Micros(number());
  row.backoff_max = Micros(number());
  row.elsewhere = chance();
  return row;
}

TaskSpec RandomLog::task_spec(std::uint32_t index) {
  TaskSpec task;
  task.name = "task_" + std::to_string(index);
  task.kind = text();
  task.publishes = chance();
  for (std::uint32_t need = 0; need < index; ++need) {
    if (below(4) == 0) task.needs.emplace_back(need);
  }
  task.run_on = any(RunOn::kAlways);
  task.request = resources();
  task.timeout = Micros(number());
  task.attempt_timeout = Micros(number());
  task.queue_timeout = Micros(number());
  for (auto n = below(3); n > 0; --n) task.on_error.push_back(retry_row());
  for (auto n = below(3); n > 0; --n) task.reads.push_back("dataset_" + std::to_string(below(10)));
  for (auto n = below(3); n > 0; --n) {
    task.writes.push_back(
        {"dataset_" + std::to_string(below(10)), any(WriteMode::kAppend), any(OnConflict::kFail)});
  }
  return task;
}

WorkflowSpecRef RandomLog::spec() {
  auto spec = std::make_shared<WorkflowSpec>();
  const auto count = static_cast<std::uint32_t>(1 + below(8));
  for (std::uint32_t i = 0; i < count; ++i) spec->tasks.push_back(task_spec(i));
  spec->timeout = Micros(number());
  spec->max_parallel = small();
  spec->hidden = small() % 4 == 0;
  spec->queue = text();
  for (auto n = below(3); n > 0; --n) spec->on_error.push_back(retry_row());
  const Status finished = spec->finish();
  MILLRACE_CHECK(finished.ok(), "a random spec is valid");
  return spec;
}

std::vector<events::Pin> RandomLog::pins() {
  std::vector<events::Pin> pins;
  for (auto n = below(4); n > 0; --n) pins.push_back({text(), id<SnapshotTag>()});
  return pins;
}

AttemptRef RandomLog::attempt_ref() {
  return {id<RunTag>(), TaskIndex(small()), AttemptNumber(small()), Epoch(random_())};
}

events::Decision RandomLog::decision() {
  switch (below(3)) {
    case 0:
      return events::Retry{time(), chance(), text()};
    case 1:
      return events::GiveUp{text()};
    default:
      return events::Cancelled{};
  }
}

Event RandomLog::event() {
  switch (below(std::variant_size_v<Event>)) {
    case 0:
      return events::LeaderStarted{id<LeaderTag>(), LeaderEpoch(random_()), time()};
    case 1:
      return events::DocumentPut{
          text(), {text(), text()}, random_(), hash(), chance() ? spec() : nullptr, time()};
    case 2:
      return events::DocumentDeleted{text(), {text(), text()}, time()};
    case 3: {
      events::RunCreated event{id<RunTag>(), text(), text(), text(), spec(),       hash(), hash(),
                               text(),       hash(), pins(), time(), id<RunTag>(), text(), {}};
      for (auto n = below(event.spec->tasks.size() + 1); n > 0; --n)
        event.taken.push_back({TaskIndex(static_cast<std::uint32_t>(n - 1)), id<RunTag>(), pins()});
      return event;
    }
    case 4:
      return events::RunDesired{id<RunTag>(), any(DesiredState::kCancelled), text(), time()};
    case 5:
      return events::RunFinished{id<RunTag>(), any(RunOutcome::kTimedOut), text(), time()};
    case 6:
      return events::TaskReady{task_ref(), time()};
    case 7:
      return events::TaskEnded{task_ref(), any(TaskState::kCancelled), text(), text(), time()};
    case 8:
      return events::AttemptPlaced{attempt_ref(), id<WorkerTag>(), any(Phase::kPublish),
                                   resources(),   pins(),          pins(),
                                   time(),        text()};
    case 9: {
      events::AttemptSucceeded event{
          attempt_ref(), id<WorkerTag>(), any(Phase::kPublish), {}, random_(), time(), time()};
      for (auto n = below(3); n > 0; --n) {
        event.snapshots.push_back({text(), id<SnapshotTag>(), id<SnapshotTag>(),
                                   any(WriteMode::kAppend), small(), hash(), number()});
      }
      return event;
    }
    case 10:
      return events::AttemptFailed{
          attempt_ref(),
          id<WorkerTag>(),
          any(Phase::kPublish),
          {any(ErrorClass::kPolicy), text(), text(), static_cast<int>(below(256)) - 128},
          decision(),
          time(),
          time()};
    case 11:
      return events::CancelRequested{task_ref(), text(), time()};
    case 12:
      return events::KeysForgotten{time()};
    case 13:
      return events::SnapshotsExpired{{text(), text()}, snapshots(), time()};
    default:
      return events::HoldsReleased{time()};
  }
}

std::vector<SnapshotId> RandomLog::snapshots() {
  std::vector<SnapshotId> list;
  for (auto n = below(4); n > 0; --n) list.push_back(id<SnapshotTag>());
  return list;
}

Task RandomLog::task() {
  Task task;
  task.state = any(TaskState::kCancelled);
  task.phase = any(Phase::kPublish);
  task.avoid_last_worker = chance();
  task.stop = any(Stop::kCancel);
  task.crashes = static_cast<std::uint16_t>(below(65'536));
  task.failures = small();
  task.needs_open = small();
  task.attempt = AttemptNumber(small());
  task.epoch = Epoch(random_());
  task.worker = id<WorkerTag>();
  task.since = time();
  task.first_ready = time();
  task.retry_at = time();
  task.publication_order = random_();
  return task;
}

State RandomLog::state() {
  State state;
  state.put_leader_epoch(LeaderEpoch(random_()));
  state.put_next_epoch(Epoch(random_()));
  state.put_next_run_order(random_());
  state.put_next_publication_order(random_());
  state.put_next_document_version(random_());
  std::vector<WorkflowSpecRef> specs;
  for (auto n = 1 + below(4); n > 0; --n) specs.push_back(spec());
  const auto some_spec = [&] { return specs[below(specs.size())]; };
  for (auto n = below(10); n > 0; --n) {
    state.put_document({text(), {text(), text()}},
                       {random_(), hash(), chance() ? some_spec() : nullptr, 1 + below(1000)});
  }
  for (auto n = below(10); n > 0; --n)
    state.put_head({text(), text()}, {id<SnapshotTag>(), hash()});
  for (auto n = below(10); n > 0; --n) {
    state.put_key({text(), text()}, {id<RunTag>(), text(), hash(), time()});
  }
  for (auto n = below(10); n > 0; --n)
    state.put_hold(RunId(RawId{random_(), random_()}), {time(), snapshots()});
  for (auto n = below(10); n > 0; --n) {
    RunHeader run;
    run.id = RunId(RawId{random_(), random_()});
    run.order = random_();
    run.ns = text();
    run.name = text();
    run.workflow = text();
    run.spec = some_spec();
    run.body_hash = hash();
    run.parameters_hash = hash();
    run.key = text();
    run.desired = any(DesiredState::kCancelled);
    run.desired_reason = text();
    run.created = time();
    run.held_until = time();
    run.pins = pins();
    run.outgrown = snapshots();
    run.last_error = text();
    run.notice = text();
    run.rerun_of = id<RunTag>();
    run.rerun_of_name = text();
    std::vector<Task> tasks;
    for (std::uint32_t i = 0; i < run.spec->tasks.size(); ++i) {
      tasks.push_back(task());
      if (below(4) == 0) run.task_pins[TaskIndex(i)] = {pins(), pins()};
    }
    state.put_run(std::move(run), std::move(tasks));
  }
  return state;
}

namespace {

bool same(const WorkflowSpecRef& a, const WorkflowSpecRef& b) {
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}
bool same(const events::DocumentPut& a, const events::DocumentPut& b) {
  return a.kind == b.kind && a.name == b.name && a.generation == b.generation &&
         a.body_hash == b.body_hash && same(a.spec, b.spec) && a.at == b.at;
}
bool same(const events::RunCreated& a, const events::RunCreated& b) {
  return a.run == b.run && a.ns == b.ns && a.name == b.name && a.workflow == b.workflow &&
         same(a.spec, b.spec) && a.body_hash == b.body_hash &&
         a.parameters_hash == b.parameters_hash && a.key == b.key &&
         a.request_hash == b.request_hash && a.pins == b.pins && a.at == b.at &&
         a.rerun_of == b.rerun_of && a.rerun_of_name == b.rerun_of_name && a.taken == b.taken;
}
template <typename T>
bool same(const T& a, const T& b) {
  return a == b;
}

bool same(const Document& a, const Document& b) {
  return a.generation == b.generation && a.body_hash == b.body_hash && same(a.spec, b.spec) &&
         a.version == b.version;
}
bool same(const KeyEntry& a, const KeyEntry& b) {
  return a.run == b.run && a.run_name == b.run_name && a.request_hash == b.request_hash &&
         a.ended == b.ended;
}
bool same(const Task& a, const Task& b) {
  return a.state == b.state && a.phase == b.phase && a.stop == b.stop &&
         a.avoid_last_worker == b.avoid_last_worker && a.crashes == b.crashes &&
         a.failures == b.failures && a.needs_open == b.needs_open && a.attempt == b.attempt &&
         a.epoch == b.epoch && a.worker == b.worker && a.since == b.since &&
         a.first_ready == b.first_ready && a.retry_at == b.retry_at &&
         a.publication_order == b.publication_order;
}
bool same(const TaskPins& a, const TaskPins& b) {
  return a.inputs == b.inputs && a.bases == b.bases;
}
bool same(const RunCounts& a, const RunCounts& b) {
  return a.open == b.open && a.running == b.running && a.succeeded == b.succeeded &&
         a.failed == b.failed && a.skipped == b.skipped && a.cancelled == b.cancelled;
}

bool same(const Run& a, const Run& b);
bool same(const WorkerLoad& a, const WorkerLoad& b);

template <typename Key, typename Value>
bool same(const std::map<Key, Value>& a, const std::map<Key, Value>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && same(x.second, y.second);
  });
}
bool same(const Run& a, const Run& b) {
  const RunHeader& x = a.header;
  const RunHeader& y = b.header;
  return x.id == y.id && x.order == y.order && x.ns == y.ns && x.name == y.name &&
         x.workflow == y.workflow && same(x.spec, y.spec) && x.body_hash == y.body_hash &&
         x.parameters_hash == y.parameters_hash && x.key == y.key && x.desired == y.desired &&
         x.desired_reason == y.desired_reason && x.created == y.created &&
         x.held_until == y.held_until && x.pins == y.pins && x.outgrown == y.outgrown &&
         same(x.task_pins, y.task_pins) && same(x.counts, y.counts) &&
         x.last_error == y.last_error && x.notice == y.notice && x.rerun_of == y.rerun_of &&
         x.rerun_of_name == y.rerun_of_name &&
         std::equal(a.tasks.begin(), a.tasks.end(), b.tasks.begin(), b.tasks.end(),
                    [](const Task& s, const Task& t) { return same(s, t); });
}
bool same(const WorkerLoad& a, const WorkerLoad& b) {
  return a.used == b.used && a.tasks == b.tasks;
}

}  // namespace

bool same(const Event& a, const Event& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& event) { return same(event, std::get<std::decay_t<decltype(event)>>(b)); },
      a);
}

std::string difference(const State& a, const State& b) {
  if (a.leader_epoch() != b.leader_epoch()) return "leader epoch";
  if (a.next_epoch() != b.next_epoch()) return "next epoch";
  if (a.next_run_order() != b.next_run_order()) return "next run order";
  if (a.next_document_version() != b.next_document_version()) return "next document version";
  if (a.next_publication_order() != b.next_publication_order()) return "next publication order";
  if (!same(a.documents(), b.documents())) return "documents";
  if (!same(a.heads(), b.heads())) return "heads";
  if (!same(a.keys(), b.keys())) return "keys";
  if (!same(a.holds(), b.holds())) return "holds";
  if (a.oldest_hold() != b.oldest_hold()) return "oldest hold";
  if (!same(a.runs(), b.runs())) return "runs";
  if (!same(a.ready(), b.ready())) return "ready index";
  if (!same(a.loads(), b.loads())) return "loads";
  if (a.live_tasks() != b.live_tasks()) return "live tasks";
  return "";
}

}  // namespace millrace::scheduler
