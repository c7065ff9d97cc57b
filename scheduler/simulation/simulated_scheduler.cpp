#include "scheduler/simulation/simulated_scheduler.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace millrace::simulation {

using namespace scheduler;  // NOLINT: a file over the core's types

Now SimulatedScheduler::now() const {
  const Monotonic true_time = world_.clockwork.now();
  // Each process has a monotonic clock of its own start; all run at one rate.
  return {WallTime(1'700'000'000'000'000 + true_time.value()) + wall_offset_, true_time};
}

void SimulatedScheduler::boot() {
  MemoryStore::Options options;
  options.fate = [this] { return world_.dice.commit(); };
  options.partitioned = [this] { return partitioned(); };
  store_ = std::make_unique<MemoryStore>(world_.log, options, [this](StoreAnswer answer) {
    const auto* recovered = std::get_if<Recovered>(&answer);
    if (recovered != nullptr) world_.checker.check_state(*recovered->state, recovered->last);
    engine_->answer(std::move(answer), now());
  });
  store_->step(world_.clockwork.now());
  engine_ = std::make_unique<Engine>(world_.settings, EngineLimits{},
                                     Engine::Ports{*store_, *this, *this, world_.random});
  engine_->start(now());
  sweeper_ = std::make_unique<Sweeper>(world_.settings,
                                       Sweeper::Ports{*this, world_.catalog, world_.folder});
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
  world_.break_streams();
}

void SimulatedScheduler::step() {
  if (!alive() || stalled()) return;
  store_->step(world_.clockwork.now());
  engine_->step(now());
}

std::optional<Monotonic> SimulatedScheduler::next_due() const {
  if (!alive()) return std::nullopt;
  std::optional<Monotonic> due = store_->next_due();
  if (const auto wake = engine_->next_wake(); wake && (!due || *wake < *due)) due = wake;
  if (due) due = std::max({*due, stalled_until_, world_.clockwork.now() + Micros(1)});
  return due;
}

void SimulatedScheduler::send(WorkerId worker, Command command) { world_.send(worker, command); }

void SimulatedScheduler::reply(Reply reply) {
  world_.clockwork.after(Micros(100), [this, reply = std::move(reply)] { world_.answer(reply); });
}

void SimulatedScheduler::applied(const Batch& batch, const State& state) {
  if (++since_check_ % 64 == 0) world_.checker.check_state(state, batch.sequence);
}

void SimulatedScheduler::leading(bool leads) {
  leads_ = leads;
  if (!leads) world_.break_streams();
}

void SimulatedScheduler::counted(const std::string&, std::uint64_t) {}

}  // namespace millrace::simulation
