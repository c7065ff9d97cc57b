#include "scheduler/main/host.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <sys/random.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "base/failpoint.h"
#include "lib/http/server.h"
#include "lib/ipc/private_files.h"
#include "lib/sql/parser.h"
#include "scheduler/api/api.h"
#include "scheduler/api/pool.h"
#include "scheduler/dispatch/dispatch.h"
#include "scheduler/main/answers.h"
#include "scheduler/main/describer.h"
#include "scheduler/main/loop.h"
#include "scheduler/main/metrics.h"
#include "scheduler/main/progress_board.h"
#include "scheduler/main/sweep_thread.h"
#include "scheduler/main/task_logs.h"
#include "scheduler/main/workers_door.h"
#include "scheduler/store/postgres_store.h"
#include "scheduler/store/store_reader.h"

namespace millrace::scheduler {
namespace {

constexpr std::size_t kDescribeThreads = 2;
constexpr std::size_t kDescribeQueue = 1'000;
// Answers to queries that nobody fetched are gone within the hour and one interval.
constexpr std::chrono::minutes kAnswerAge{60};
constexpr std::chrono::minutes kSweepInterval{5};

RunId new_run_id() {
  std::uint64_t random[2] = {};
  MILLRACE_CHECK(getrandom(random, sizeof random, 0) == sizeof random,
                 "the kernel gives no randomness");
  return RunId::make(read_clocks().wall, random[0], random[1]);
}

// Whole or not at all: whoever waits for the file reads all of it.
Status write_port_file(const std::filesystem::path& file, std::uint16_t port) {
  const std::filesystem::path temporary = file.string() + ".new";
  {
    std::ofstream out(temporary);
    out << port << '\n';
    if (!out.flush())
      return Error{ErrorClass::kInfrastructure, "port_file.unwritable",
                   "can't write \"" + file.string() + "\"",
                   "check its folder and the room on its disk"};
  }
  std::error_code failure;
  std::filesystem::rename(temporary, file, failure);
  if (failure)
    return Error{ErrorClass::kInfrastructure, "port_file.unwritable",
                 "can't write \"" + file.string() + "\": " + failure.message()};
  return ok_status();
}

}  // namespace

// Threads: the loop's own, the store's own, gRPC's, the http server's, two pools; run() stays on
// the caller's and does what must not hold up the loop: it opens and closes the workers' door, and
// sweeps.
class Host::Impl final : public DispatchHost, public WorkerPort {
 public:
  Impl(SchedulerOptions options, telemetry::Log& log)
      : options_(std::move(options)),
        log_(log),
        task_logs_(options_.log_dir),
        answers_(options_.data_root) {}
  ~Impl() override { shut_down(); }

  Status start();
  Status run();
  void request_stop();
  std::uint16_t port() const { return server_->port(); }

 private:
  // DispatchHost
  void offer(Input input) override {
    if (std::holds_alternative<AttemptSucceeded>(input))
      MILLRACE_FAILPOINT("dispatch.after_result");
    if (const auto* gone = std::get_if<WorkerLeft>(&input)) board_.left(gone->worker);
    loop_->post_worker(std::move(input));
  }
  void progress(WorkerId worker, std::vector<AttemptProgress> attempts) override {
    board_.report(worker, attempts);
  }
  void describe(WorkerId worker, const AttemptRef& attempt, DescribeDone done) override;
  void counted(const std::string& reason, const std::string& text) override;
  // WorkerPort, for the loop: the door may be closed.
  void send(WorkerId worker, Command command) override;
  void dismiss(WorkerId worker) override { door_->dismiss(worker); }

  void leading(bool leads);
  void applied(const Batch& batch, const State& state);
  void swept(const SweepReport& report);
  void fatal(Error error);
  void store_trouble(const std::optional<Error>& trouble);
  Status ready() const;
  void shut_down();

  const SchedulerOptions options_;
  telemetry::Log& log_;
  std::string token_;
  std::string worker_token_;
  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  std::unique_ptr<Metrics> metrics_;
  ProgressBoard board_;
  TaskLogs task_logs_;
  Answers answers_;
  std::unique_ptr<StoreReader> reads_;
  std::unique_ptr<sql::Parser> parser_;
  std::unique_ptr<PostgresStore> store_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<SweepThread> sweeper_;  // after the loop, which it asks
  std::string sweep_trouble_;             // that was said last; of its thread
  std::unique_ptr<Describer> describer_;
  std::unique_ptr<api::Pool> describe_pool_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;

  // Descriptions that travel with the Starts of the batch that was applied last; the loop's thread.
  std::map<Epoch, Description> at_hand_;

  std::unique_ptr<WorkersDoor> door_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false;
  std::optional<Error> failure_;
};

Status Host::Impl::start() {
  MILLRACE_TRY(token, ipc::read_secret_file(options_.token_file));
  token_ = std::move(token);
  MILLRACE_TRY(worker_token, ipc::read_secret_file(options_.worker_token_file));
  worker_token_ = std::move(worker_token);
  MILLRACE_RETURN_IF_ERROR(migrate_store(options_.postgres));
  reads_ = std::make_unique<StoreReader>(options_.postgres);
  metrics_ = std::make_unique<Metrics>(*registry_);
  parser_ =
      std::make_unique<sql::Parser>(sql::ParserOptions{.program = options_.sql_parser.string()});
  describer_ = std::make_unique<Describer>(*reads_, *reads_);
  describe_pool_ = std::make_unique<api::Pool>(kDescribeThreads, kDescribeQueue);

  PostgresStoreOptions store_options;
  store_options.connection_string = options_.postgres;
  store_options.checkpoints.run_retention = options_.retention.runs;
  store_options.checkpoints.log_retention = options_.retention.events;
  store_options.checkpoint_interval = options_.checkpoint_interval;
  store_options.checkpoints.every_batches = options_.checkpoint_batches;
  store_options.on_trouble = [this](const std::optional<Error>& trouble) {
    store_trouble(trouble);
  };
  store_options.on_commit = [this](Micros took) { metrics_->committed(took); };
  store_ = std::make_unique<PostgresStore>(
      store_options, [this](StoreAnswer answer) { loop_->post_answer(std::move(answer)); },
      [this](Error error) { fatal(std::move(error)); });

  DispatchSettings door;
  door.socket_path = options_.socket.string();
  door.token = worker_token_;
  door.terms = {MILLRACE_VERSION, options_.lease, Micros(options_.lease.value() / 3), seconds(10)};
  door_ = std::make_unique<WorkersDoor>(std::move(door), *this);

  Settings settings;
  settings.lease = options_.lease;
  settings.heartbeat_interval = Micros(options_.lease.value() / 3);
  settings.queue_limits = options_.queue_limits;
  settings.snapshot_retention = options_.retention.snapshots;
  settings.dataset_retention = options_.retention.of_datasets;
  settings.snapshots_kept = options_.retention.kept_snapshots;
  LoopListener listener;
  listener.applied = [this](const Batch& batch, const State& state) { applied(batch, state); };
  listener.leading = [this](bool leads) { leading(leads); };
  listener.counted = [this](const std::string& reason, std::uint64_t count) {
    metrics_->counted(reason, count);
  };
  listener.round = [this](const Engine& engine) {
    metrics_->round(engine, store_->health(), read_clocks().wall);
  };
  loop_ = std::make_unique<Loop>(settings, EngineLimits{}, *store_, *this, std::move(listener));

  api::Api::Options api_options;
  api_options.token = token_;
  api_options.version = MILLRACE_VERSION;
  api_ = std::make_unique<api::Api>(
      api_options,
      api::Api::Ports{*loop_, *reads_, board_, task_logs_, answers_,
                      [this](const std::string& text) { return parser_->analyze(text); },
                      new_run_id, [this] { return ready(); }, registry_});
  http::ServerOptions server_options;
  server_options.address = options_.listen_address;
  server_options.port = options_.listen_port;
  server_options.gate = api_->gate();
  server_options.observe = api_->observer();
  MILLRACE_TRY(server, http::Server::start(std::move(server_options), api_->router()));
  server_ = std::move(server);
  loop_->start();
  sweeper_ =
      std::make_unique<SweepThread>(settings, *loop_,
                                    SweepThread::Places{options_.postgres, options_.data_root,
                                                        options_.log_dir, options_.retention.runs},
                                    [this](const SweepReport& report) { swept(report); });
  if (!options_.port_file.empty())
    MILLRACE_RETURN_IF_ERROR(write_port_file(options_.port_file, server_->port()));
  return ok_status();
}

Status Host::Impl::run() {
  std::unique_lock lock(mutex_);
  auto next_sweep = std::chrono::steady_clock::now();
  while (!stopping_ && !failure_) {
    if (door_->due()) {
      lock.unlock();
      if (Status tended = door_->tend(); !tended.ok()) fatal(std::move(tended).error());
      lock.lock();
      continue;
    }
    if (std::chrono::steady_clock::now() >= next_sweep) {
      lock.unlock();
      answers_.sweep(std::filesystem::file_time_type::clock::now() - kAnswerAge);
      next_sweep = std::chrono::steady_clock::now() + kSweepInterval;
      lock.lock();
      continue;
    }
    changed_.wait_until(lock, next_sweep);
  }
  const std::optional<Error> failure = failure_;
  lock.unlock();
  shut_down();
  if (failure) return *failure;
  return ok_status();
}

void Host::Impl::request_stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void Host::Impl::fatal(Error error) {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(error);
  }
  changed_.notify_all();
}

void Host::Impl::store_trouble(const std::optional<Error>& trouble) {
  if (trouble)
    log_.warn("the database takes nothing; what is to be written waits",
              {{"code", trouble->code}, {"why", trouble->message}, {"hint", trouble->hint}});
  else
    log_.info("the database takes what it is given again", {});
}

Status Host::Impl::ready() const {
  const StoreHealth health = store_->health();
  if (health.trouble)
    return Error{ErrorClass::kTransient, "store.unavailable",
                 "the database takes nothing: " + health.trouble->message,
                 health.trouble->hint.empty() ? "look at Postgres" : health.trouble->hint};
  if (loop_->leads() && health.connected) return ok_status();
  return Error{ErrorClass::kTransient, "engine.not_leading", "this scheduler does not lead yet",
               "try again in a moment"};
}

void Host::Impl::leading(bool leads) {
  log_.info(leads ? "leading" : "following");
  api_->leading(leads);
  if (!leads) board_.clear();
  door_->leading(leads);
  // run() looks at the door under the lock: between its look and its wait nothing slips through.
  {
    const std::lock_guard lock(mutex_);
  }
  changed_.notify_all();
}

void Host::Impl::applied(const Batch& batch, const State& state) {
  at_hand_.clear();
  for (const Event& event : batch.events) {
    if (const auto* placed = std::get_if<events::AttemptPlaced>(&event)) {
      const Result<HeldAttempt> held = held_attempt(state, placed->worker, placed->attempt);
      if (!held.ok()) continue;
      if (auto description = describer_->at_hand(*held))
        at_hand_.emplace(placed->attempt.epoch, *std::move(description));
      continue;
    }
    if (const auto* succeeded = std::get_if<events::AttemptSucceeded>(&event))
      board_.ended(succeeded->attempt);
    else if (const auto* failed = std::get_if<events::AttemptFailed>(&event))
      board_.ended(failed->attempt);
  }
  metrics_->applied(batch);
  api_->applied(batch, state);
}

void Host::Impl::swept(const SweepReport& report) {
  metrics_->swept(report);
  if (report.files + report.prefixes > 0)
    log_.info("swept", {{"files", std::to_string(report.files)},
                        {"attempts", std::to_string(report.prefixes)}});
  // Said once, not every round; one who leads no more says nothing.
  std::string trouble;
  if (report.trouble && !report.trouble->code.starts_with("engine."))
    trouble = report.trouble->to_text();
  if (!trouble.empty() && trouble != sweep_trouble_) log_.warn("cannot sweep", {{"why", trouble}});
  sweep_trouble_ = std::move(trouble);
}

void Host::Impl::send(WorkerId worker, Command command) {
  if (std::holds_alternative<commands::Start>(command)) MILLRACE_FAILPOINT("dispatch.before_start");
  if (const auto* start = std::get_if<commands::Start>(&command))
    if (const auto description = at_hand_.find(start->attempt.epoch); description != at_hand_.end())
      return door_->start(worker, *start, description->second);
  door_->send(worker, std::move(command));
}

void Host::Impl::describe(WorkerId worker, const AttemptRef& attempt, DescribeDone done) {
  loop_->read([this, worker, attempt, done = std::move(done)](const Result<api::View>& view) {
    if (!view.ok()) return done(view.error());
    Result<HeldAttempt> held = held_attempt(*view->state, worker, attempt);
    if (!held.ok()) return done(std::move(held).error());
    // Off the loop: what follows asks the database. A full pool drops it, and the worker asks
    // again.
    describe_pool_->post([this, held = std::move(held).value(), done] {
      MILLRACE_FAILPOINT("dispatch.before_describe");
      done(describer_->describe(held));
    });
  });
}

void Host::Impl::counted(const std::string& reason, const std::string& text) {
  metrics_->counted(reason, 1);
  log_.warn("worker stream", {{"reason", reason}, {"detail", text}});
}

void Host::Impl::shut_down() {
  // From the outside in: nobody new comes, streams end, the loop answers whoever waits, then what
  // it used.
  if (server_ != nullptr) server_->stop(seconds(2));
  if (api_ != nullptr) api_->stop();
  if (door_ != nullptr) door_->shut();
  if (describe_pool_ != nullptr) describe_pool_->stop();
  if (sweeper_ != nullptr) sweeper_->stop();
  if (loop_ != nullptr) loop_->stop();
  store_.reset();
  if (!options_.port_file.empty()) {
    std::error_code ignored;
    std::filesystem::remove(options_.port_file, ignored);
  }
}

Host::Host(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Host::~Host() = default;

Result<std::unique_ptr<Host>> Host::start(SchedulerOptions options, telemetry::Log& log) {
  auto impl = std::make_unique<Impl>(std::move(options), log);
  MILLRACE_RETURN_IF_ERROR(impl->start());
  return std::unique_ptr<Host>(new Host(std::move(impl)));
}

std::uint16_t Host::port() const { return impl_->port(); }
Status Host::run() { return impl_->run(); }
void Host::request_stop() { impl_->request_stop(); }

}  // namespace millrace::scheduler
