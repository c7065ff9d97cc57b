#include "scheduler/api/testing/host.h"

#include <prometheus/registry.h>

#include <algorithm>
#include <future>

#include "base/check.h"
#include "scheduler/api/testing/fake_sql.h"
#include "scheduler/core/apply.h"

namespace millrace::api {

using scheduler::Input;

Host::Host(Api::Options options, http::ServerOptions server)
    : options_(std::move(options)), server_options_(std::move(server)) {
  options_.token = "secret";
  const auto registry = std::make_shared<prometheus::Registry>();
  api_ = std::make_unique<Api>(
      options_, Api::Ports{.engine = *this,
                           .reads = reads_,
                           .progress = *this,
                           .logs = *this,
                           .answers = *this,
                           .analyze = fake_analyze,
                           .new_run =
                               [this] {
                                 const std::uint64_t count = ++run_ids_;
                                 return scheduler::RunId(RawId{0x0123'0000'0000'0000ULL + count,
                                                               count * 0x9E37'79B9'7F4A'7C15ULL});
                               },
                           .ready = [this]() -> Status {
                             const std::lock_guard lock(mutex_);
                             if (leads_) return ok_status();
                             return Error{ErrorClass::kInfrastructure, "engine.not_leading",
                                          "this scheduler does not lead yet"};
                           },
                           .metrics = registry});
  engine_ =
      std::make_unique<scheduler::Engine>(scheduler::Settings{}, scheduler::EngineLimits{},
                                          scheduler::Engine::Ports{*this, *this, *this, *this});
}

Host::~Host() { stop(); }

void Host::start() {
  thread_ = std::thread([this] { loop(); });
  post([this] { engine_->start(now()); });
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return leads_; });
  }
  server_options_.gate = api_->gate();
  server_options_.observe = api_->observer();
  auto server = http::Server::start(server_options_, api_->router());
  MILLRACE_CHECK(server.ok(), server.error().to_text());
  server_ = std::move(*server);
}

void Host::stop() {
  if (!thread_.joinable()) return;
  if (server_) server_->stop(seconds(5));
  hold_commits(false);
  api_->stop();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

http::RawResponse Host::get(const std::string& target, const std::string& headers) const {
  return http::fetch(port(), "GET", target, authorization() + headers);
}

http::RawResponse Host::send(std::string_view method, const std::string& target,
                             const std::string& body, const std::string& headers) const {
  return http::fetch(port(), method, target, authorization() + headers, body);
}

// --- the loop
// -------------------------------------------------------------------------------------------

void Host::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(work));
  }
  changed_.notify_all();
}

void Host::loop() {
  while (true) {
    std::deque<std::function<void()>> work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !inbox_.empty(); });
      if (inbox_.empty()) return;
      work.swap(inbox_);
    }
    for (const auto& item : work) item();
    engine_->step(now());
  }
}

scheduler::Now Host::now() {
  ++micros_;
  return {WallTime(micros_), Monotonic(micros_)};
}

void Host::on_loop(const std::function<void()>& work) {
  std::promise<void> done;
  post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void Host::submit(Input input, std::function<void(Answer)> done) {
  post([this, input = std::move(input), done = std::move(done)]() mutable {
    const scheduler::RequestId request = next_request_;
    next_request_ = next_request_.next();
    std::visit(
        [request](auto& held) {
          if constexpr (requires { held.request; }) held.request = request;
        },
        input);
    waiting_[request] = done;
    if (const Status taken = engine_->offer(std::move(input), now()); !taken.ok()) {
      waiting_.erase(request);
      done(taken.error());
    }
  });
}

void Host::read(std::function<void(const Result<View>&)> look) {
  post([this, look = std::move(look)] {
    if (engine_->role() != scheduler::Role::kLeading)
      return look(
          Error{ErrorClass::kInfrastructure, "engine.not_leading", "this scheduler does not lead"});
    look(View{&engine_->state(), &engine_->liveness(), &engine_->settings(), engine_->applied(),
              now()});
  });
}

// --- the engine's ports
// -----------------------------------------------------------------------------------

void Host::campaign(scheduler::LeaderId) {
  epoch_ = scheduler::LeaderEpoch(epoch_.value() + 1);
  post([this, epoch = epoch_] {
    engine_->answer(scheduler::Elected{.epoch = epoch, .until = Monotonic(INT64_MAX)}, now());
  });
}

void Host::recover(scheduler::LeaderEpoch epoch) {
  auto state = std::make_shared<scheduler::State>();
  for (const scheduler::BatchRef& batch : log_)
    for (const scheduler::Event& event : batch->events) scheduler::apply(*state, event);
  const auto last = scheduler::Sequence(log_.size());
  post([this, epoch, state, last] {
    engine_->answer(scheduler::Recovered{.epoch = epoch, .state = state, .last = last}, now());
  });
}

void Host::commit(scheduler::BatchRef batch) {
  if (log_.size() < batch->sequence.value()) {
    log_.push_back(batch);
    reads_.committed(*batch);
  }
  const scheduler::BatchId id = batch->id;
  if (held_) {
    unanswered_.push_back(id);
    return;
  }
  post([this, id] {
    engine_->answer(
        scheduler::CommitAnswer{.batch = id, .outcome = scheduler::CommitOutcome::kCommitted},
        now());
  });
}

void Host::hold_commits(bool held) {
  on_loop([this, held] {
    held_ = held;
    if (held) return;
    for (const scheduler::BatchId id : unanswered_)
      engine_->answer(
          scheduler::CommitAnswer{.batch = id, .outcome = scheduler::CommitOutcome::kCommitted},
          now());
    unanswered_.clear();
  });
}

void Host::pass(Micros duration) {
  on_loop([this, duration] { micros_ += duration.value(); });
}

void Host::depose() {
  on_loop([this] {
    engine_->answer(scheduler::Deposed{.epoch = epoch_, .reason = "another leads"}, now());
  });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return leads_; });
}

void Host::send(scheduler::WorkerId, scheduler::Command command) {
  if (const auto* cancel = std::get_if<scheduler::commands::Cancel>(&command)) {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(cancel->attempt);
    changed_.notify_all();
  }
  const auto* start = std::get_if<scheduler::commands::Start>(&command);
  if (start == nullptr) return;
  const scheduler::RunHeader* run = engine_->state().run(start->attempt.run);
  const std::lock_guard lock(mutex_);
  started_.push_back({*start, run->task_spec(start->attempt.task).name});
  changed_.notify_all();
}

void Host::reply(scheduler::Reply reply) {
  const auto waiting = waiting_.find(reply.request);
  if (waiting == waiting_.end()) return;
  const auto done = std::move(waiting->second);
  waiting_.erase(waiting);
  done(std::move(reply.body));
}

void Host::applied(const scheduler::Batch& batch, const scheduler::State& state) {
  api_->applied(batch, state);
}

void Host::leading(bool leads) {
  api_->leading(leads);
  const std::lock_guard lock(mutex_);
  leads_ = leads;
  changed_.notify_all();
}

// --- the worker
// -------------------------------------------------------------------------------------------

void Host::report(Input input) {
  on_loop(
      [this, &input] { MILLRACE_CHECK(engine_->offer(std::move(input), now()).ok(), "refused"); });
}

void Host::join_worker() {
  scheduler::WorkerJoined joined;
  joined.worker = worker_;
  joined.name = "laptop";
  joined.capacity = {MilliCpu(64'000), mebibytes(1 << 20), mebibytes(1 << 20)};
  report(std::move(joined));
}

Host::Started Host::take_start(const std::string& task) {
  std::unique_lock lock(mutex_);
  const auto of_task = [&task](const Started& started) { return started.task == task; };
  changed_.wait(lock, [&] { return std::any_of(started_.begin(), started_.end(), of_task); });
  const auto found = std::find_if(started_.begin(), started_.end(), of_task);
  Started started = *found;
  started_.erase(found);
  return started;
}

scheduler::AttemptRef Host::wait_start(const std::string& task) {
  Started started = take_start(task);
  const std::lock_guard lock(mutex_);
  started_.push_back(started);
  return started.start.attempt;
}

void Host::succeed(const std::string& task, const Rows& rows, bool staged) {
  const Started started = take_start(task);
  auto attachment = std::make_shared<scheduler::Attachment>();
  attachment->message = "done";
  if (staged) attachment->publication_json = "{}";
  scheduler::AttemptSucceeded success{
      .worker = worker_, .attempt = started.start.attempt, .writes = {}, .attachment = {}};
  for (const auto& [dataset, count] : rows) {
    success.writes.push_back({dataset, {}, count});
    attachment->writes.push_back(
        {dataset, R"({"columns":[{"name":"a","type":"BIGINT","nullable":true}]})", {}, count, {}});
  }
  success.attachment = std::move(attachment);
  report(std::move(success));
}

void Host::succeed_with_outputs(const std::string& task, const std::string& outputs_json) {
  const Started started = take_start(task);
  auto attachment = std::make_shared<scheduler::Attachment>();
  attachment->outputs_json = outputs_json;
  report(scheduler::AttemptSucceeded{.worker = worker_,
                                     .attempt = started.start.attempt,
                                     .writes = {},
                                     .attachment = std::move(attachment)});
}

void Host::leave_answer(const scheduler::AttemptRef& attempt, const std::string& text) {
  const std::lock_guard lock(mutex_);
  answers_[attempt] = text;
}

std::size_t Host::answers_left() const {
  const std::lock_guard lock(mutex_);
  return answers_.size();
}

void Host::wait_cancel(const scheduler::AttemptRef& attempt) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return std::find(cancelled_.begin(), cancelled_.end(), attempt) != cancelled_.end();
  });
}

Result<std::unique_ptr<AnswerReader>> Host::take(const scheduler::AttemptRef& attempt) {
  class Text final : public AnswerReader {
   public:
    explicit Text(std::string text) : text_(std::move(text)) {}
    Result<std::string> read(std::size_t limit) override {
      std::string piece = text_.substr(0, limit);
      text_.erase(0, piece.size());
      return piece;
    }

   private:
    std::string text_;
  };
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(attempt);
  if (found == answers_.end())
    return Error{ErrorClass::kInfrastructure, "answer.lost", "the answer is not there"};
  auto text = std::make_unique<Text>(std::move(found->second));
  answers_.erase(found);
  changed_.notify_all();
  return std::unique_ptr<AnswerReader>(std::move(text));
}

void Host::discard(const scheduler::AttemptRef& attempt) {
  const std::lock_guard lock(mutex_);
  answers_.erase(attempt);
  changed_.notify_all();
}

void Host::fail(const std::string& task, const std::string& code, ErrorClass error_class) {
  const Started started = take_start(task);
  report(scheduler::AttemptFailed{.worker = worker_,
                                  .attempt = started.start.attempt,
                                  .failure = {.error_class = error_class,
                                              .code = code,
                                              .message = "it went wrong",
                                              .exit_code = 0},
                                  .attachment = nullptr});
}

void Host::set_progress(std::vector<AttemptProgress> progress) {
  const std::lock_guard lock(mutex_);
  progress_ = std::move(progress);
}

std::vector<AttemptProgress> Host::progress(scheduler::RunId) const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

void Host::append_log(const scheduler::AttemptRef& attempt, const std::string& text) {
  const std::lock_guard lock(mutex_);
  logs_[attempt] += text;
}

Result<LogText> Host::read(const scheduler::AttemptRef& attempt, std::int64_t offset,
                           std::size_t limit) {
  const std::lock_guard lock(mutex_);
  const auto log = logs_.find(attempt);
  if (log == logs_.end())
    return Error{ErrorClass::kUser, "log.not_found", "the attempt has written no log"};
  const auto from = std::min(static_cast<std::size_t>(offset), log->second.size());
  LogText text{.text = log->second.substr(from, limit), .next = 0, .size = 0};
  text.next = static_cast<std::int64_t>(from + text.text.size());
  text.size = static_cast<std::int64_t>(log->second.size());
  return text;
}

}  // namespace millrace::api
