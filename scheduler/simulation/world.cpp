#include "scheduler/simulation/world.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

#include "base/overloaded.h"
#include "scheduler/engine/engine.h"
#include "scheduler/engine/sweeper.h"
#include "scheduler/simulation/checker.h"
#include "scheduler/simulation/clockwork.h"
#include "scheduler/simulation/dice.h"
#include "scheduler/simulation/memory_catalog.h"
#include "scheduler/simulation/memory_folder.h"
#include "scheduler/simulation/memory_store.h"
#include "scheduler/simulation/simulated_worker.h"
#include "scheduler/simulation/transcript.h"

namespace millrace::simulation {

using namespace scheduler;  // NOLINT: a file over the core's types

namespace {

class World;

// How often a scheduler that leads sweeps.
constexpr Micros kSweepEvery = seconds(20);

// One scheduler process: an engine, its sweeper, its connection to the store, and a clock of its
// own.
class SimulatedScheduler final : public WorkerPort, public ObserverPort, public SweepEngine {
 public:
  SimulatedScheduler(World& world, std::uint32_t index) : world_(world), index_(index) {}

  void boot();
  void crash();
  void step();
  void sweep();
  std::optional<Monotonic> next_due() const;
  bool alive() const { return engine_ != nullptr; }
  bool leads() const { return leads_; }
  bool stalled() const;
  void stall_until(Monotonic time) { stalled_until_ = time; }
  void partition_until(Monotonic time) { partitioned_until_ = time; }
  void jump_wall(Micros by) { wall_offset_ += by; }
  Engine& engine() { return *engine_; }
  Now now() const;
  Monotonic stalled_until() const { return stalled_until_; }

  void send(WorkerId worker, Command command) override;
  void reply(Reply reply) override;
  void applied(const Batch& batch, const State& state) override;
  void leading(bool leads) override;
  void counted(const std::string& reason, std::uint64_t count) override;
  Status ask(SweepSnapshots question) override;
  Result<std::vector<AttemptFate>> fates(const std::vector<AttemptPrefix>& prefixes) override;

 private:
  bool partitioned() const;

  World& world_;
  std::uint32_t index_;
  std::unique_ptr<MemoryStore> store_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Sweeper> sweeper_;
  Micros wall_offset_;
  Monotonic stalled_until_;
  Monotonic partitioned_until_;
  bool leads_ = false;
  std::uint64_t since_check_ = 0;
};

class World {
 public:
  explicit World(const Options& options)
      : options_(options),
        faults_(options.faults),
        random_(options.seed),
        dice_(options.faults, random_),
        checker_(options.settings) {
    if (options.calm) checker_.expect_calm();
    log_.on_append = [this](const BatchRef& batch) {
      checker_.appended(*batch);
      catalog_.appended(*batch);
      if (options_.transcript)
        transcript_.appended(*batch, clockwork_.now() - Monotonic(1'000'000));
    };
    folder_.on_remove = [this](const AttemptPrefix& attempt, const std::string& file) {
      checker_.file_goes(attempt, file);
    };
    plan_ = draw_workload(random_, options_.load);
    for (std::uint32_t i = 0; i < options_.workers; ++i) workers_.push_back(make_worker(i));
    connections_.resize(options_.workers);
    for (std::uint32_t i = 0; i < schedulers_.size(); ++i)
      schedulers_[i] = std::make_unique<SimulatedScheduler>(*this, i);
  }

  Outcome run();

 private:
  friend class SimulatedScheduler;

  struct Connection {
    std::optional<std::uint32_t> scheduler;
    std::uint64_t generation = 0;  // messages of an older stream arrive nowhere
    bool greeted = false;          // the scheduler knows of it only then
  };
  struct Client {  // one planned run, as its submitter follows it
    const PlannedRun* plan = nullptr;
    RunId run;
    bool accepted = false;
    bool repeated = false;  // asked a second time, under its key
  };

  std::unique_ptr<SimulatedWorker> make_worker(std::uint32_t index);
  void begin();
  void repeat(Micros every, std::function<void()> what, bool fault);
  void heal();
  bool settled() const;
  void run_until(Monotonic end, const std::function<bool()>& done);
  SimulatedScheduler* leader();

  // Workers and network
  void connect(std::uint32_t worker);
  void break_stream(std::uint32_t worker);
  void break_streams_of(std::uint32_t scheduler);
  bool to_scheduler(std::uint32_t worker, const Input& input);
  void deliver(std::uint32_t worker, Command command, std::uint64_t generation);
  AttemptScript script(const AttemptRef& attempt) const;

  // People
  using Answered = std::function<void(const Result<ReplyBody>&)>;
  // Whether the scheduler took it. It may crash before it answers: then, after a while, nobody
  // knows what became of it (engine.outcome_unknown).
  template <typename Wish>
  bool ask(SimulatedScheduler& to, Wish wish, Answered then);
  SubmitRun submission(std::size_t client, WorkflowSpecRef spec, std::string key);
  void submit(std::size_t client);
  void steer(std::size_t client, DesiredState desired);
  void rerun(std::size_t client);
  void answered(RequestId request, const Result<ReplyBody>& body);

  const Options options_;
  Faults faults_;
  bool healed_ = false;
  Random random_;
  Dice dice_;
  Clockwork clockwork_;
  MemoryLog log_;
  MemoryCatalog catalog_;
  MemoryFolder folder_;
  Checker checker_;
  Transcript transcript_;
  std::vector<PlannedRun> plan_;
  std::vector<Client> clients_;
  std::map<RunId, std::size_t> by_run_;
  std::set<RunId> reruns_;
  std::map<RequestId, Answered> waiting_;
  RequestId next_request_{1};
  std::array<std::unique_ptr<SimulatedScheduler>, 2> schedulers_;
  std::vector<std::unique_ptr<SimulatedWorker>> workers_;
  std::vector<Connection> connections_;
  std::size_t open_clients_ = 0;
};

// --- a scheduler
// ---------------------------------------------------------------------------------------

Now SimulatedScheduler::now() const {
  const Monotonic true_time = world_.clockwork_.now();
  // Each process has a monotonic clock of its own start; all run at one rate.
  return {WallTime(1'700'000'000'000'000 + true_time.value()) + wall_offset_, true_time};
}

bool SimulatedScheduler::stalled() const { return world_.clockwork_.now() < stalled_until_; }

void SimulatedScheduler::boot() {
  MemoryStore::Options options;
  options.fate = [this] { return world_.dice_.commit(); };
  options.partitioned = [this] { return partitioned(); };
  store_ = std::make_unique<MemoryStore>(world_.log_, options, [this](StoreAnswer answer) {
    const auto* recovered = std::get_if<Recovered>(&answer);
    if (recovered != nullptr) world_.checker_.check_state(*recovered->state, recovered->last);
    engine_->answer(std::move(answer), now());
  });
  store_->step(world_.clockwork_.now());
  engine_ = std::make_unique<Engine>(world_.options_.settings, EngineLimits{},
                                     Engine::Ports{*store_, *this, *this, world_.random_});
  engine_->start(now());
  sweeper_ = std::make_unique<Sweeper>(world_.options_.settings,
                                       Sweeper::Ports{*this, world_.catalog_, world_.folder_});
}

bool SimulatedScheduler::partitioned() const {
  return world_.clockwork_.now() < partitioned_until_;
}

// Also one that leads no more and does not know: what it sweeps is not needed, whoever leads.
void SimulatedScheduler::sweep() {
  if (alive() && !stalled() && !partitioned() && engine_->role() == Role::kLeading)
    (void)sweeper_->round(now());
}

Status SimulatedScheduler::ask(SweepSnapshots question) {
  return engine_->offer(std::move(question), now());
}

Result<std::vector<AttemptFate>> SimulatedScheduler::fates(
    const std::vector<AttemptPrefix>& prefixes) {
  std::vector<AttemptFate> fates;
  fates.reserve(prefixes.size());
  for (const AttemptPrefix& prefix : prefixes) fates.push_back(fate_of(engine_->state(), prefix));
  return fates;
}

void SimulatedScheduler::crash() {
  if (!alive()) return;
  leads_ = false;
  sweeper_.reset();
  engine_.reset();
  store_.reset();
  world_.break_streams_of(index_);
}

void SimulatedScheduler::step() {
  if (!alive() || stalled()) return;
  store_->step(world_.clockwork_.now());
  engine_->step(now());
}

std::optional<Monotonic> SimulatedScheduler::next_due() const {
  if (!alive()) return std::nullopt;
  std::optional<Monotonic> due = store_->next_due();
  if (const auto wake = engine_->next_wake(); wake && (!due || *wake < *due)) due = wake;
  if (due) due = std::max({*due, stalled_until_, world_.clockwork_.now() + Micros(1)});
  return due;
}

void SimulatedScheduler::send(WorkerId worker, Command command) {
  for (std::uint32_t i = 0; i < world_.workers_.size(); ++i) {
    const World::Connection& connection = world_.connections_[i];
    if (world_.workers_[i]->id() != worker || connection.scheduler != index_ || !connection.greeted)
      continue;
    const std::uint64_t generation = world_.connections_[i].generation;
    for (int copy = world_.dice_.copies(); copy > 0; --copy)
      world_.clockwork_.after(world_.dice_.delay(), [this, i, command, generation] {
        world_.deliver(i, command, generation);
      });
  }
}

void SimulatedScheduler::reply(Reply reply) {
  world_.clockwork_.after(Micros(100), [this, reply = std::move(reply)] {
    world_.answered(reply.request, reply.body);
  });
}

void SimulatedScheduler::applied(const Batch& batch, const State& state) {
  if (++since_check_ % 64 == 0) world_.checker_.check_state(state, batch.sequence);
}

void SimulatedScheduler::leading(bool leads) {
  leads_ = leads;
  if (!leads) world_.break_streams_of(index_);
}

void SimulatedScheduler::counted(const std::string&, std::uint64_t) {}

// --- workers and the network
// -----------------------------------------------------------------------------

std::unique_ptr<SimulatedWorker> World::make_worker(std::uint32_t index) {
  return std::make_unique<SimulatedWorker>(
      SimulatedWorker::World{
          clockwork_, random_, checker_, options_.settings, options_.load, folder_,
          [this](const AttemptRef& attempt) { return script(attempt); },
          [this](std::uint32_t worker, const Input& input) { return to_scheduler(worker, input); }},
      index);
}

AttemptScript World::script(const AttemptRef& attempt) const {
  const auto client = by_run_.find(attempt.run);
  const PlannedRun& plan = *clients_[client->second].plan;
  TaskBehaviour behaviour = plan.behaviours[attempt.task.value()];
  if (reruns_.contains(attempt.run)) behaviour.poison = behaviour.broken = false;  // mended
  return {behaviour, &plan.spec->tasks[attempt.task.value()]};
}

void World::connect(std::uint32_t worker) {
  SimulatedWorker& w = *workers_[worker];
  if (w.is_connected() || w.stopped()) return;
  for (std::uint32_t i = 0; i < schedulers_.size(); ++i) {
    if (!schedulers_[i]->alive() || !schedulers_[i]->leads()) continue;
    connections_[worker] = {i, connections_[worker].generation + 1, false};
    w.connected();
    return;
  }
}

void World::break_stream(std::uint32_t worker) {
  Connection& connection = connections_[worker];
  if (!connection.scheduler) return;
  const std::uint32_t index = *connection.scheduler;
  const WorkerId id = workers_[worker]->id();
  connection.scheduler.reset();
  ++connection.generation;
  workers_[worker]->disconnected();
  clockwork_.after(milliseconds(50), [this, index, id] {
    SimulatedScheduler& s = *schedulers_[index];
    if (s.alive() && !s.stalled()) (void)s.engine().offer(WorkerLeft{id}, s.now());
  });
}

void World::break_streams_of(std::uint32_t scheduler) {
  for (std::uint32_t i = 0; i < connections_.size(); ++i)
    if (connections_[i].scheduler == scheduler) break_stream(i);
}

bool World::to_scheduler(std::uint32_t worker, const Input& input) {
  const Connection connection = connections_[worker];
  if (!connection.scheduler) return false;
  // The greeting opens the stream: it comes once and first, or the stream never was.
  const bool greeting = std::holds_alternative<WorkerJoined>(input);
  for (int copy = greeting ? 1 : dice_.copies(); copy > 0; --copy) {
    const auto arrive = [this, worker, connection, input](auto&& self) -> void {
      SimulatedScheduler& s = *schedulers_[*connection.scheduler];
      if (!s.alive() || connections_[worker].generation != connection.generation) return;
      // What reaches a stalled process waits in its socket.
      if (s.stalled()) return clockwork_.at(s.stalled_until(), [self] { self(self); });
      // A word that is not taken ends the stream, so that the worker looks for whoever leads.
      if (const auto* joined = std::get_if<WorkerJoined>(&input)) {
        connections_[worker].greeted = true;
        if (options_.transcript) transcript_.joined(*joined);
      }
      if (!s.engine().offer(input, s.now()).ok()) break_stream(worker);
    };
    clockwork_.after(greeting ? Micros(100) : dice_.delay(), [arrive] { arrive(arrive); });
  }
  return true;
}

void World::deliver(std::uint32_t worker, Command command, std::uint64_t generation) {
  SimulatedWorker& w = *workers_[worker];
  if (connections_[worker].generation != generation) return;
  if (w.stopped())
    return clockwork_.at(w.stopped_until(), [this, worker, command = std::move(command),
                                             generation] { deliver(worker, command, generation); });
  w.receive(command);
}

// --- people
// ------------------------------------------------------------------------------------------------

SimulatedScheduler* World::leader() {
  for (auto& scheduler : schedulers_)
    if (scheduler->alive() && scheduler->leads() && !scheduler->stalled()) return scheduler.get();
  return nullptr;
}

void World::answered(RequestId request, const Result<ReplyBody>& body) {
  const auto it = waiting_.find(request);
  if (it == waiting_.end()) return;
  const auto then = std::move(it->second);
  waiting_.erase(it);
  then(body);
}

template <typename Wish>
bool World::ask(SimulatedScheduler& to, Wish wish, Answered then) {
  const RequestId request = next_request_;
  next_request_ = next_request_.next();
  wish.request = request;
  if (!to.engine().offer(std::move(wish), to.now()).ok()) return false;
  waiting_[request] = std::move(then);
  clockwork_.after(seconds(30), [this, request] {
    answered(request, Error{ErrorClass::kInfrastructure, "engine.outcome_unknown", "no answer"});
  });
  return true;
}

SubmitRun World::submission(std::size_t index, WorkflowSpecRef spec, std::string key) {
  SubmitRun input;
  input.run = RunId(RawId{random_.next(), random_.next()});
  input.ns = "default";
  input.workflow = clients_[index].plan->name;
  input.spec = std::move(spec);
  input.key = std::move(key);
  by_run_[input.run] = index;
  return input;
}

void World::submit(std::size_t index) {
  Client& client = clients_[index];
  if (client.accepted) return;
  SimulatedScheduler* to = leader();
  const auto again = [this, index] {
    clockwork_.after(seconds(1), [this, index] { submit(index); });
  };
  if (to == nullptr) return again();
  SubmitRun input = submission(index, client.plan->spec, client.plan->key);
  const auto then = [this, index, again](const Result<ReplyBody>& body) {
    Client& c = clients_[index];
    if (!body.ok()) {
      const std::string& code = body.error().code;
      // Without a key nobody can tell whether it took effect: a person looks, and does not ask
      // twice.
      if (code == "engine.outcome_unknown" && c.plan->key.empty()) {
        --open_clients_;
        return;
      }
      return again();
    }
    const auto& accepted = std::get<replies::RunAccepted>(*body);
    checker_.told_run(accepted.run, c.plan->key);
    if (c.accepted) return;
    c.accepted = true;
    c.run = accepted.run;
    --open_clients_;
    if (c.repeated) return;
    const auto steer_at = [&](Micros after, DesiredState desired) {
      if (after > Micros(0))
        clockwork_.after(after, [this, index, desired] { steer(index, desired); });
    };
    steer_at(c.plan->cancel_after, DesiredState::kCancelled);
    steer_at(c.plan->pause_after, DesiredState::kPaused);
    steer_at(c.plan->resume_after, DesiredState::kRunning);
    if (c.plan->rerun_after > Micros(0)) {
      ++open_clients_;
      clockwork_.after(c.plan->rerun_after, [this, index] { rerun(index); });
    }
    if (c.plan->submit_twice && !c.plan->key.empty())
      clockwork_.after(seconds(2), [this, index] {
        clients_[index].accepted = false;
        clients_[index].repeated = true;
        ++open_clients_;
        submit(index);
      });
  };
  if (!ask(*to, std::move(input), then)) again();
}

// Does a run again, once it has ended.
void World::rerun(std::size_t index) {
  const Client& client = clients_[index];
  const OriginBook::Entry* before = checker_.origins().ended(client.run);
  SimulatedScheduler* to = leader();
  const auto again = [this, index] {
    clockwork_.after(seconds(1), [this, index] { rerun(index); });
  };
  if (before == nullptr || to == nullptr) return again();
  auto wish = std::make_shared<Rerun>(before->origin);
  wish->asked = client.plan->asked;
  wish->changed = client.plan->changed;
  const std::string key = client.plan->key.empty() ? "" : "again-" + client.plan->key;
  SubmitRun input = submission(index, before->spec, key);
  input.rerun = std::move(wish);
  reruns_.insert(input.run);
  const auto then = [this, key, again](const Result<ReplyBody>& body) {
    if (body.ok()) {
      checker_.told_run(std::get<replies::RunAccepted>(*body).run, key);
    } else {
      const std::string& code = body.error().code;
      const bool refused = code.starts_with("rerun.");
      if (!refused && (code != "engine.outcome_unknown" || !key.empty())) return again();
    }
    --open_clients_;
  };
  if (!ask(*to, std::move(input), then)) again();
}

void World::steer(std::size_t index, DesiredState desired) {
  SimulatedScheduler* to = leader();
  const auto again = [this, index, desired] {
    clockwork_.after(seconds(1), [this, index, desired] { steer(index, desired); });
  };
  // A pause that comes too late is not asked for again: it might overtake its own resumption.
  const bool insists = desired != DesiredState::kPaused;
  if (to == nullptr) {
    if (insists) again();
    return;
  }
  const auto then = [again, desired](const Result<ReplyBody>& body) {
    // A resume that is lost would leave its run paused for ever: people try again, too.
    if (!body.ok() && body.error().code.starts_with("engine.") && desired == DesiredState::kRunning)
      again();
  };
  if (!ask(*to, SetDesiredState{{}, clients_[index].run, desired}, then)) again();
}

// --- the course of things
// ------------------------------------------------------------------------------------

void World::repeat(Micros every, std::function<void()> what, bool fault) {
  if (every <= Micros(0)) return;
  // Faults come at random with that mean; the rest as regularly as a timer.
  const Micros wait =
      fault ? Micros(random_.between(every.value() / 4, every.value() * 7 / 4)) : every;
  clockwork_.after(wait, [this, every, what = std::move(what), fault] {
    if (fault && healed_) return;
    what();
    repeat(every, what, fault);
  });
}

void World::begin() {
  for (auto& scheduler : schedulers_) scheduler->boot();
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    clients_.push_back({&plan_[i], {}, false, false});
    ++open_clients_;
    clockwork_.after(plan_[i].at, [this, i] { submit(i); });
  }
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    repeat(
        options_.settings.heartbeat_interval,
        [this, i] {
          if (!workers_[i]->stopped()) workers_[i]->beat();
        },
        false);
    repeat(seconds(1), [this, i] { connect(i); }, false);
    repeat(
        faults_.worker_crash_every,
        [this, i] {
          break_stream(i);
          workers_[i]->crash();
        },
        true);
    repeat(
        faults_.worker_stop_every,
        [this, i] {
          workers_[i]->stop_until(clockwork_.now() +
                                  Micros(random_.between(0, 3 * options_.settings.lease.value())));
        },
        true);
    if (faults_.stream_breaks_per_minute > 0)
      repeat(
          Micros(static_cast<std::int64_t>(60e6 / faults_.stream_breaks_per_minute)),
          [this, i] { break_stream(i); }, true);
  }
  for (auto& scheduler : schedulers_) {
    SimulatedScheduler* s = scheduler.get();
    repeat(kSweepEvery, [s] { s->sweep(); }, false);
    repeat(
        faults_.scheduler_crash_every,
        [this, s] {
          s->crash();
          clockwork_.after(Micros(random_.between(1'000, 20'000'000)), [s] {
            if (!s->alive()) s->boot();
          });
        },
        true);
    repeat(
        faults_.store_partition_every,
        [this, s] {
          s->partition_until(clockwork_.now() + Micros(random_.between(0, 40'000'000)));
        },
        true);
    repeat(
        faults_.loop_stall_every,
        [this, s] { s->stall_until(clockwork_.now() + Micros(random_.between(0, 40'000'000))); },
        true);
    repeat(
        faults_.wall_jump_every, [this, s] { s->jump_wall(seconds(random_.between(-3600, 3600))); },
        true);
  }
}

void World::heal() {
  healed_ = true;
  dice_.heal();
  for (auto& scheduler : schedulers_) {
    if (!scheduler->alive()) scheduler->boot();
    scheduler->stall_until(Monotonic());
    scheduler->partition_until(Monotonic());
  }
  for (auto& worker : workers_) worker->stop_until(Monotonic());
}

bool World::settled() const { return open_clients_ == 0 && checker_.state().runs().empty(); }

void World::run_until(Monotonic end, const std::function<bool()>& done) {
  while (clockwork_.now() < end && !checker_.violation() && !done()) {
    Monotonic next = clockwork_.empty() ? end : clockwork_.next_time();
    if (const auto due = log_.next_due()) next = std::min(next, *due);
    for (const auto& scheduler : schedulers_)
      if (const auto due = scheduler->next_due()) next = std::min(next, *due);
    clockwork_.advance(std::clamp(next, clockwork_.now(), end));
    log_.step(clockwork_.now());
    clockwork_.run_due();
    for (auto& scheduler : schedulers_) scheduler->step();
  }
}

Outcome World::run() {
  begin();
  // Safety first, while everything goes wrong; then faults heal, and all must end.
  run_until(clockwork_.now() + options_.load.over + seconds(120), [] { return false; });
  heal();
  const Monotonic healed = clockwork_.now();
  run_until(healed + options_.patience, [this] { return settled(); });
  if (!checker_.violation()) {
    if (open_clients_ > 0) {
      // Submissions that are still being repeated: nobody answers them.
      Outcome outcome;
      outcome.violation = std::to_string(open_clients_) + " submissions were never answered";
      outcome.tail = checker_.tail();
      outcome.scenario = transcript_.text();
      return outcome;
    }
    checker_.everything_ended();
    run_until(clockwork_.now() + options_.patience,
              [this] { return folder_.files() == catalog_.files() && catalog_.all_swept(); });
    checker_.everything_swept(folder_.files(), catalog_.files());
  }
  return {checker_.violation(), checker_.tail(),          checker_.trace_hash(),
          checker_.events(),    checker_.finished_runs(), clockwork_.now() - Monotonic(1'000'000),
          checker_.happened(),  transcript_.text()};
}

}  // namespace

Settings simulated_settings() {
  Settings settings;
  settings.queue_limits["narrow"] = 3;
  settings.key_retention = seconds(120);
  settings.snapshot_retention = seconds(30);
  return settings;
}

Outcome simulate(const Options& options) {
  Outcome outcome = World(options).run();
  if (!outcome.violation || options.transcript) return outcome;
  // The same seed gives the same course, this time written down.
  Options again = options;
  again.transcript = true;
  return World(again).run();
}

}  // namespace millrace::simulation
