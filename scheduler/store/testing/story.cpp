#include "scheduler/store/testing/story.h"

#include <utility>

#include "base/check.h"
#include "scheduler/core/apply.h"
#include "scheduler/core/plan.h"
#include "scheduler/core/sweep.h"

namespace millrace::scheduler {
namespace {

WorkflowSpecRef spec_with(std::uint64_t kind) {
  auto spec = std::make_shared<WorkflowSpec>();
  const auto add = [&](const std::string& name, std::vector<TaskIndex> needs) -> TaskSpec& {
    TaskSpec task;
    task.name = name;
    task.kind = "ingest";
    task.needs = std::move(needs);
    task.request = {MilliCpu(100), mebibytes(64), Bytes(0)};
    spec->tasks.push_back(std::move(task));
    return spec->tasks.back();
  };
  add("load", {}).writes = {{"flights", WriteMode::kOverwrite, OnConflict::kRetry}};
  add("more", {TaskIndex(0)}).writes = {{"log", WriteMode::kAppend, OnConflict::kRetry}};
  TaskSpec& query = add("query", {TaskIndex(0), TaskIndex(1)});
  query.reads = {"flights", "log"};
  if (kind % 2 == 0) add("deliver", {TaskIndex(2)}).publishes = true;
  if (kind % 3 == 0) add("page", {TaskIndex(0)}).run_on = RunOn::kFailure;  // is skipped
  const Status finished = spec->finish();
  MILLRACE_CHECK(finished.ok(), finished.error().to_text());
  return spec;
}

}  // namespace

Story::Story(std::uint64_t seed) : random_(seed), worker_(RawId{7, 7}) {
  inputs_.push_back(WorkerJoined{.worker = worker_,
                                 .name = "w1",
                                 .capacity = {MilliCpu(8000), mebibytes(16'000), mebibytes(1000)},
                                 .attempts = {},
                                 .ended_incarnation = {},
                                 .sent_monotonic_us = 0,
                                 .heard_at = {}});
}

Body Story::new_body() {
  Body body;
  body.content = R"({"n": )" + std::to_string(random_()) + R"(, "text": "it's \"quoted\" \\ ü"})";
  for (std::uint8_t& byte : body.hash) byte = static_cast<std::uint8_t>(below(256));
  bodies[body.hash] = body.content;
  return body;
}

void Story::put_document() {
  auto attachment = std::make_shared<Attachment>();
  attachment->bodies = {new_body()};
  inputs_.push_back(PutDocument{.request = {},
                                .kind = "workflows",
                                .name = {"team", "flow" + std::to_string(below(5))},
                                .body_hash = attachment->bodies[0].hash,
                                .spec = spec_with(below(6)),
                                .if_version = {},
                                .attachment = attachment});
}

void Story::submit() {
  auto attachment = std::make_shared<Attachment>();
  attachment->bodies = {new_body(), new_body()};
  const std::string name = "run" + std::to_string(++count_);
  inputs_.push_back(SubmitRun{.request = {},
                              .run = RunId::make(now_.wall, random_(), random_()),
                              .ns = "team",
                              .name = name,
                              .workflow = "flow",
                              .spec = spec_with(below(6)),
                              .body_hash = attachment->bodies[0].hash,
                              .parameters_hash = attachment->bodies[1].hash,
                              .key = "key-" + name,
                              .request_hash = attachment->bodies[0].hash,
                              .attachment = attachment,
                              .rerun = nullptr});
}

void Story::rerun() {
  if (finished.empty()) return;
  const RunHeader& ended = finished[below(finished.size())]->header;
  auto wish = std::make_shared<Rerun>(origins.ended(ended.id)->origin);
  wish->asked = {TaskIndex(2)};
  inputs_.push_back(SubmitRun{.request = {},
                              .run = RunId::make(now_.wall, random_(), random_()),
                              .ns = "team",
                              .name = "run" + std::to_string(++count_),
                              .workflow = "flow",
                              .spec = ended.spec,
                              .body_hash = ended.body_hash,
                              .parameters_hash = ended.parameters_hash,
                              .key = "",
                              .request_hash = {},
                              .attachment = nullptr,
                              .rerun = std::move(wish)});
}

void Story::report(TaskRef ref) {
  const Task& task = *state_.task(ref);
  const TaskSpec& spec = state_.run(ref.run)->task_spec(ref.task);
  const AttemptRef attempt{ref.run, ref.task, task.attempt, task.epoch};
  auto attachment = std::make_shared<Attachment>();
  attachment->usage = {Micros(1), Bytes(2), Bytes(3), 4, 5, Bytes(6), Bytes(7), Micros(8)};
  if (below(5) == 0) {
    inputs_.push_back(AttemptFailed{worker_,
                                    attempt,
                                    {ErrorClass::kTransient, "io.broken", "it broke: \"x\"\xff", 3},
                                    attachment});
    return;
  }
  AttemptSucceeded result{worker_, attempt, {}, nullptr};
  if (task.phase == Phase::kExecute) {
    attachment->message = "7 rows";
    attachment->outputs_json = R"({"kept": )" + std::to_string(below(100)) + "}";
    if (spec.publishes) attachment->publication_json = R"({"url": "file:///out"})";
    for (const DatasetWrite& write : spec.writes) {
      ResultWrite wrote;
      wrote.dataset = write.dataset;
      wrote.schema_json = R"({"columns": []})";
      wrote.schema_hash[0] = 9;
      for (auto n = below(4); n > 0; --n) {
        const AttemptPrefix prefix{"team", ref.run, ref.task, task.epoch};
        wrote.files.push_back({prefix.path() + "/" + write.dataset + "/" + std::to_string(n), 7,
                               Bytes(70), "xxh64:0", R"({"a": {"min": "\\"}})"});
        wrote.rows += 7;
      }
      result.writes.push_back({wrote.dataset, wrote.schema_hash, wrote.rows});
      attachment->writes.push_back(std::move(wrote));
    }
  }
  result.attachment = std::move(attachment);
  inputs_.push_back(std::move(result));
}

BatchRef Story::make(std::vector<Event> events, Planned rest) {
  auto batch = std::make_shared<Batch>();
  batch->sequence = last_ = last_.next();
  batch->id = BatchId::make(now_.wall, random_(), random_());
  batch->leader_epoch = leader_epoch;
  batch->at = now_.wall;
  batch->events = std::move(events);
  batch->attachments = std::move(rest.attachments);
  batch->finished = std::move(rest.finished);
  for (const Event& event : batch->events) {
    apply(state_, event);
    liveness_.applied(event, state_, now_, settings_);
  }
  note(*batch);
  return batch;
}

void Story::note(const Batch& batch) {
  std::map<std::size_t, AttachmentRef> attached;
  for (const PlannedAttachment& one : batch.attachments) attached[one.event] = one.attachment;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    origins.note(batch.events[i]);
    if (const auto* created = std::get_if<events::RunCreated>(&batch.events[i]);
        created != nullptr && !created->rerun_of.is_nil()) {
      reruns[created->run] = *created;
      for (const events::TakenTask& taken : created->taken) {
        const auto output = outputs.find({created->rerun_of, taken.task});
        if (output != outputs.end()) outputs[{created->run, taken.task}] = output->second;
      }
    }
    if (const auto* end = std::get_if<events::RunFinished>(&batch.events[i])) ends[end->run] = *end;
    if (const auto* failure = std::get_if<events::AttemptFailed>(&batch.events[i])) {
      attempts[failure->attempt.task_ref()].push_back(*failure);
    }
    const auto* success = std::get_if<events::AttemptSucceeded>(&batch.events[i]);
    if (success == nullptr) continue;
    const TaskRef task = success->attempt.task_ref();
    attempts[task].push_back(*success);
    const Attachment& attachment = *attached.at(i);
    if (!attachment.outputs_json.empty()) outputs[task] = attachment.outputs_json;
    if (success->publication_order != 0) publications[task] = attachment.publication_json;
    for (const events::SnapshotCommitted& snapshot : success->snapshots) {
      files[snapshot.snapshot] = attachment.writes[snapshot.write_index].files;
    }
  }
  finished.insert(finished.end(), batch.finished.begin(), batch.finished.end());
}

BatchRef Story::next() {
  if (last_ == Sequence()) {
    return make(
        {events::LeaderStarted{LeaderId(RawId{1, leader_epoch.value()}), leader_epoch, now_.wall}},
        {});
  }
  while (true) {
    now_.wall = now_.wall + milliseconds(300);
    now_.monotonic = now_.monotonic + milliseconds(300);
    if (below(4) == 0) put_document();
    if (below(2) == 0 && state_.runs().size() < 20) submit();
    if (below(6) == 0 && state_.runs().size() < 20) rerun();
    if (const WorkerLoad* load = state_.load(worker_)) {
      for (const TaskRef& task : load->tasks) {
        if (below(2) == 0 && state_.task(task)->state == TaskState::kRunning) report(task);
      }
    }
    // A beat, so that no lease passes.
    WorkerHeartbeat beat{
        .worker = worker_, .sent_monotonic_us = 0, .attempts = {}, .draining = false};
    if (const WorkerLoad* load = state_.load(worker_)) {
      for (const TaskRef& ref : load->tasks) {
        const Task& task = *state_.task(ref);
        beat.attempts.push_back({ref.run, ref.task, task.attempt, task.epoch});
      }
    }
    for (const Input& input : inputs_) liveness_.observe(input, state_, now_);
    liveness_.observe(beat, state_, now_);
    liveness_.advance(state_, now_, settings_);
    const std::vector<Input> inputs = std::exchange(inputs_, {});
    Planned planned = plan(state_, liveness_, inputs, now_, settings_);
    liveness_.clear_due();
    if (planned.events.empty()) continue;
    std::vector<Event> events = std::move(planned.events);
    return make(std::move(events), std::move(planned));
  }
}

BatchRef Story::rival_of(const BatchRef& batch) {
  auto rival = std::make_shared<Batch>(*batch);
  rival->id = BatchId(RawId{batch->id.raw().high, ~batch->id.raw().low});
  return rival;
}

}  // namespace millrace::scheduler
