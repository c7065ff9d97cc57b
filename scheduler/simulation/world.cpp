#include "scheduler/simulation/world.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

#include "base/overloaded.h"
#include "scheduler/simulation/checker.h"
#include "scheduler/simulation/clockwork.h"
#include "scheduler/simulation/dice.h"
#include "scheduler/simulation/memory_catalog.h"
#include "scheduler/simulation/memory_folder.h"
#include "scheduler/simulation/memory_store.h"
#include "scheduler/simulation/simulated_scheduler.h"
#include "scheduler/simulation/simulated_worker.h"
#include "scheduler/simulation/transcript.h"

namespace millrace::simulation {

using namespace scheduler;  // NOLINT: a file over the core's types

namespace {

// How often a scheduler that leads sweeps.
constexpr Micros kSweepEvery = seconds(20);

class World {
 public:
  explicit World(const Options& options)
      : options_(options),
        faults_(options.faults),
        random_(options.seed),
        dice_(options.faults, random_, fault_counts_),
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
    for (std::uint32_t i = 0; i < schedulers_.size(); ++i) schedulers_[i] = make_scheduler(i);
  }

  Outcome run();

 private:
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

  std::unique_ptr<SimulatedScheduler> make_scheduler(std::uint32_t index);
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
  void break_stream_of(std::uint32_t scheduler, WorkerId worker);
  bool to_scheduler(std::uint32_t worker, const Input& input);
  void to_worker(std::uint32_t scheduler, WorkerId worker, const Command& command);
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
  FaultCounts fault_counts_;
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

// --- processes and the network ---

std::unique_ptr<SimulatedScheduler> World::make_scheduler(std::uint32_t index) {
  return std::make_unique<SimulatedScheduler>(SimulatedScheduler::World{
      clockwork_, random_, dice_, checker_, options_.settings, log_, catalog_, folder_,
      [this, index](WorkerId worker, const Command& command) { to_worker(index, worker, command); },
      [this](const Reply& reply) { answered(reply.request, reply.body); },
      [this, index] { break_streams_of(index); },
      [this, index](WorkerId worker) { break_stream_of(index, worker); }});
}

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

void World::break_stream_of(std::uint32_t scheduler, WorkerId worker) {
  for (std::uint32_t i = 0; i < connections_.size(); ++i)
    if (connections_[i].scheduler == scheduler && workers_[i]->id() == worker) break_stream(i);
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

void World::to_worker(std::uint32_t scheduler, WorkerId worker, const Command& command) {
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    const Connection& connection = connections_[i];
    if (workers_[i]->id() != worker || connection.scheduler != scheduler || !connection.greeted)
      continue;
    const std::uint64_t generation = connection.generation;
    for (int copy = dice_.copies(); copy > 0; --copy)
      clockwork_.after(dice_.delay(),
                       [this, i, command, generation] { deliver(i, command, generation); });
  }
}

void World::deliver(std::uint32_t worker, Command command, std::uint64_t generation) {
  SimulatedWorker& w = *workers_[worker];
  if (connections_[worker].generation != generation) return;
  if (w.stopped())
    return clockwork_.at(w.stopped_until(), [this, worker, command = std::move(command),
                                             generation] { deliver(worker, command, generation); });
  w.receive(command);
}

// --- people ---

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

// --- the course of things ---

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
          ++fault_counts_.worker_crashes;
          break_stream(i);
          workers_[i]->crash();
        },
        true);
    repeat(
        faults_.worker_stop_every,
        [this, i] {
          ++fault_counts_.worker_stops;
          workers_[i]->stop_until(clockwork_.now() +
                                  Micros(random_.between(0, 3 * options_.settings.lease.value())));
        },
        true);
    if (faults_.stream_breaks_per_minute > 0)
      repeat(
          Micros(static_cast<std::int64_t>(60e6 / faults_.stream_breaks_per_minute)),
          [this, i] {
            if (connections_[i].scheduler) ++fault_counts_.stream_breaks;
            break_stream(i);
          },
          true);
  }
  for (auto& scheduler : schedulers_) {
    SimulatedScheduler* s = scheduler.get();
    repeat(kSweepEvery, [s] { s->sweep(); }, false);
    repeat(
        faults_.scheduler_crash_every,
        [this, s] {
          if (s->alive()) ++fault_counts_.scheduler_crashes;
          s->crash();
          clockwork_.after(Micros(random_.between(1'000, 20'000'000)), [s] {
            if (!s->alive()) s->boot();
          });
        },
        true);
    repeat(
        faults_.store_partition_every,
        [this, s] {
          if (s->alive()) ++fault_counts_.store_partitions;
          s->partition_until(clockwork_.now() + Micros(random_.between(0, 40'000'000)));
        },
        true);
    repeat(
        faults_.loop_stall_every,
        [this, s] {
          if (s->alive()) ++fault_counts_.loop_stalls;
          s->stall_until(clockwork_.now() + Micros(random_.between(0, 40'000'000)));
        },
        true);
    repeat(
        faults_.wall_jump_every,
        [this, s] {
          if (s->alive()) ++fault_counts_.wall_jumps;
          s->jump_wall(seconds(random_.between(-3600, 3600)));
        },
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
  return {checker_.violation(),     checker_.tail(),
          checker_.trace_hash(),    checker_.events(),
          checker_.finished_runs(), clockwork_.now() - Monotonic(1'000'000),
          checker_.happened(),      fault_counts_,
          transcript_.text()};
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
