#include "workers/runtime/runner_pool.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <random>
#include <utility>

namespace millrace::runtime {
namespace {

namespace asio = boost::asio;
using runner::v1alpha1::FromRunner;

// Growth of idle memory is slow; looking at it costs about as much as a small attempt.
constexpr std::uint32_t kAttemptsBetweenLooks = 8;

std::chrono::microseconds duration(Micros micros) {
  return std::chrono::microseconds(micros.value());
}

double jitter() {
  static std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

// A runner adopts its orphans (see spawn.h), so nothing that it started is outside of its tree. One
// that forks while it is looked at is found by the next look.
void kill_descendants(pid_t runner) {
  constexpr int kMostLooks = 10;
  for (int look = 0; look < kMostLooks; ++look) {
    bool alive = false;
    const ProcessTable processes = ProcessTable::read();
    for (const pid_t pid : processes.tree(runner)) {
      const ProcessStat* process = processes.find(pid);
      if (pid == runner || process == nullptr || process->state == 'Z') continue;
      alive = true;
      ::kill(pid, SIGKILL);
    }
    if (!alive) return;
  }
}

Bytes unshared_memory(pid_t pid) {
  const auto memory = read_memory(pid);
  return memory ? memory->unshared : Bytes(0);
}

}  // namespace

RunnerPool::RunnerPool(asio::io_context& context, RunnerPoolOptions options, Journal& journal,
                       telemetry::Log& log, RunnerPoolEvents& events)
    : context_(context),
      options_(std::move(options)),
      journal_(journal),
      log_(log),
      events_(events),
      child_signals_(context, SIGCHLD),
      retry_(context) {
  // What a dead runner leaves behind becomes this process's child: it is killed and waited for.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (Result<MemoryGroups> groups = MemoryGroups::open(own_memory_cgroup()); groups.ok()) {
    memory_groups_ = std::move(groups).value();
    log_.info("the kernel holds attempts to their memory");
  } else {
    log_.info("the watchdog alone holds attempts to their memory",
              {{"why", groups.error().message}});
  }
}

RunnerPool::~RunnerPool() = default;

void RunnerPool::start() {
  await_children();
  schedule();
}

void RunnerPool::request(Epoch epoch, std::string ns) {
  requests_.push_back({epoch, std::move(ns)});
  schedule();
}

void RunnerPool::withdraw(Epoch epoch) {
  std::erase_if(requests_, [&](const Request& request) { return request.epoch == epoch; });
}

RunnerPool::Runner* RunnerPool::find(Epoch epoch) {
  for (auto& [id, runner] : runners_)
    if (runner.epoch == epoch) return &runner;
  return nullptr;
}

RunnerProcess* RunnerPool::runner_of(Epoch epoch) {
  Runner* runner = find(epoch);
  return runner == nullptr ? nullptr : runner->process.get();
}

// One plan for all that happened in this turn of the loop.
void RunnerPool::schedule() {
  if (std::exchange(scheduled_, true)) return;
  asio::post(context_, [this] {
    scheduled_ = false;
    plan();
  });
}

void RunnerPool::plan() {
  std::vector<RunnerView> views;
  views.reserve(runners_.size());
  for (const auto& [id, runner] : runners_) views.push_back(runner.view);
  std::vector<std::string> waiting;
  waiting.reserve(requests_.size());
  for (const Request& request : requests_) waiting.push_back(request.ns);
  const PoolPlan plan =
      plan_pool(options_.policy, views, waiting, !winding_down_ && !holding_back_);

  std::vector<std::pair<Epoch, RunnerId>> grants;
  for (const PoolPlan::Assignment& assignment : plan.assign) {
    Request& request = requests_[assignment.waiting];
    Runner& runner = runners_.at(assignment.runner);
    runner.view.phase = RunnerPhase::kBusy;
    runner.view.ns = request.ns;
    runner.epoch = request.epoch;
    grants.emplace_back(request.epoch, assignment.runner);
  }
  for (const auto& [epoch, id] : grants) withdraw(epoch);
  for (const RunnerId id : plan.retire) retire(runners_.at(id));
  if (!holding_back_)
    for (std::size_t i = 0; i < plan.start && !holding_back_; ++i) start_one();
  for (const auto& [epoch, id] : grants)
    if (const auto it = runners_.find(id); it != runners_.end() && it->second.epoch == epoch)
      events_.on_granted(epoch, *it->second.process);
}

void RunnerPool::start_one() {
  auto spawned = spawn(options_.spawn);
  if (!spawned.ok()) return start_failed(spawned.error());
  const RunnerId id(++last_id_);
  const pid_t pid = spawned->pid;
  // A runner's session and group have its own number.
  if (const Status recorded = journal_.record({pid, spawned->start_ticks, pid}); !recorded.ok())
    log_.error("journal", {{"error", recorded.error().to_text()}});
  Runner runner;
  runner.process =
      RunnerProcess::adopt(context_.get_executor(), id, std::move(spawned).value(), *this);
  runner.view.id = id;
  runner.timer = std::make_unique<asio::steady_timer>(context_);
  runner.timer->expires_after(duration(options_.ready_limit));
  runner.timer->async_wait([this, id](const boost::system::error_code& code) {
    const auto it = runners_.find(id);
    if (code || it == runners_.end() || it->second.view.phase != RunnerPhase::kStarting) return;
    it->second.reason = Error{ErrorClass::kInfrastructure, "runner.not_ready",
                              "the runner did not say that it is ready"};
    kill(it->second);
  });
  by_pid_[pid] = id;
  put_into_group(runner);
  runners_.emplace(id, std::move(runner));
}

// At once, so that what it starts is in the group as well.
void RunnerPool::put_into_group(Runner& runner) {
  if (!memory_groups_) return;
  Result<MemoryGroup> group =
      memory_groups_->make("runner-" + std::to_string(runner.view.id.value()));
  Status taken = group.ok() ? group->take(runner.process->pid()) : Status(group.error());
  if (taken.ok())
    runner.memory = std::move(group).value();
  else
    log_.warn("a runner without a group", {{"error", taken.error().to_text()}});
}

void RunnerPool::limit_memory(Epoch epoch, Bytes grant) {
  Runner* runner = find(epoch);
  if (runner == nullptr || !runner->memory) return;
  // What the runner itself needs comes on top: the watchdog is to be the first.
  const Bytes limit = grant > Bytes(0) ? grant + runner->view.first_idle_memory : Bytes(0);
  if (const Status limited = runner->memory->limit(limit); !limited.ok())
    log_.warn("a runner without a limit", {{"error", limited.error().to_text()}});
}

bool RunnerPool::out_of_memory(const Runner& runner) {
  return runner.memory && runner.memory->kills() > runner.memory_kills;
}

bool RunnerPool::out_of_memory(Epoch epoch) {
  const Runner* runner = find(epoch);
  return runner != nullptr && out_of_memory(*runner);
}

void RunnerPool::start_failed(const Error& error) {
  const Micros wait = start_backoff_.failed(jitter());
  log_.error("a runner did not start",
             {{"error", error.to_text()}, {"retry_ms", std::to_string(wait.value() / 1'000)}});
  holding_back_ = true;
  retry_.expires_after(duration(wait));
  retry_.async_wait([this](const boost::system::error_code& code) {
    if (code) return;
    holding_back_ = false;
    schedule();
  });
  if (start_backoff_.failures() >= options_.max_start_failures && !requests_.empty())
    events_.on_unavailable(error);
}

void RunnerPool::on_runner_message(RunnerProcess& process, const FromRunner& message) {
  Runner& runner = runners_.at(process.id());
  if (runner.epoch) return events_.on_message(*runner.epoch, message);
  if (!message.has_ready() || runner.view.phase != RunnerPhase::kStarting) return;
  runner.timer->cancel();
  runner.view.phase = RunnerPhase::kIdle;
  runner.view.first_idle_memory = runner.view.idle_memory = unshared_memory(process.pid());
  start_backoff_.succeeded();
  schedule();
}

void RunnerPool::on_runner_output(RunnerProcess& process, std::string_view bytes) {
  const Runner& runner = runners_.at(process.id());
  if (runner.epoch) return events_.on_output(*runner.epoch, bytes);
  while (!bytes.empty() && bytes.back() == '\n') bytes.remove_suffix(1);
  log_.info("an idle runner says",
            {{"pid", std::to_string(process.pid())}, {"text", std::string(bytes)}});
}

void RunnerPool::on_runner_lost(RunnerProcess& process, const Error& error) {
  Runner& runner = runners_.at(process.id());
  if (!runner.reason) runner.reason = error;
  // One that closed its channel is ending and gets the time for it, to leave its own exit status;
  // one that sent nonsense is ended.
  if (runner.view.phase == RunnerPhase::kEnding) return;
  if (error.code != "runner.closed") return kill(runner);
  retire(runner);
}

void RunnerPool::release(Epoch epoch, bool reusable, bool had_children) {
  Runner* runner = find(epoch);
  if (runner == nullptr) return;
  runner->epoch.reset();
  const pid_t pid = runner->process->pid();
  if (had_children) {
    kill_descendants(pid);
    // A command may do without a child that the kernel ended.
    if (runner->memory) runner->memory_kills = runner->memory->kills();
  }
  ++runner->view.served;
  if (runner->view.phase != RunnerPhase::kBusy || !reusable) {
    retire(*runner);
  } else {
    runner->view.phase = RunnerPhase::kIdle;
    if (runner->view.served % kAttemptsBetweenLooks == 0)
      runner->view.idle_memory = unshared_memory(pid);
  }
  schedule();
}

void RunnerPool::retire(Runner& runner) {
  if (runner.view.phase == RunnerPhase::kEnding) return;
  runner.view.phase = RunnerPhase::kEnding;
  runner.process->close();
  runner.timer->expires_after(duration(options_.close_limit));
  runner.timer->async_wait([this, id = runner.view.id](const boost::system::error_code& code) {
    if (const auto it = runners_.find(id); !code && it != runners_.end()) kill(it->second);
  });
}

void RunnerPool::kill(Epoch epoch) {
  if (Runner* runner = find(epoch)) kill(*runner);
}

// Its descendants first: once it is gone they are its no longer, though kill_orphans() would find
// them.
void RunnerPool::kill(Runner& runner) {
  if (std::exchange(runner.killed, true)) return;
  runner.view.phase = RunnerPhase::kEnding;
  const pid_t pid = runner.process->pid();
  kill_descendants(pid);
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
}

void RunnerPool::await_children() {
  child_signals_.async_wait([this](const boost::system::error_code& code, int) {
    if (code) return;
    reap();
    await_children();
  });
}

void RunnerPool::reap() {
  bool any = false;
  int wait_status = 0;
  while (true) {
    const pid_t pid = ::waitpid(-1, &wait_status, WNOHANG);
    if (pid <= 0) break;
    any = true;
    const auto it = by_pid_.find(pid);
    if (it == by_pid_.end()) continue;  // an orphan
    const RunnerId id = it->second;
    by_pid_.erase(it);
    exited(id, wait_status);
  }
  if (any) kill_orphans();
}

void RunnerPool::exited(RunnerId id, int wait_status) {
  Runner& runner = runners_.at(id);
  runner.timer->cancel();
  kill_orphans();
  // Its last words, also a result: a runner may say it and end.
  runner.process->finish();
  const std::optional<Epoch> epoch = runner.epoch;
  const RunnerEnd end{wait_status, out_of_memory(runner), runner.reason};
  if (runner.memory && memory_groups_) memory_groups_->give_back(*runner.memory);
  const bool started = runner.view.phase == RunnerPhase::kStarting ||
                       (runner.reason && runner.reason->code == "runner.not_ready");
  journal_.forget(runner.process->pid());
  runners_.erase(id);
  if (epoch)
    events_.on_ended(*epoch, end);
  else if (started && !winding_down_)
    start_failed(end.reason.value_or(Error{ErrorClass::kInfrastructure, "runner.start_failed",
                                           "the runner ended before it was ready"}));
  schedule();
}

// Children that are no runners were a dead runner's: live ones adopt their own (see spawn.h).
void RunnerPool::kill_orphans() {
  for (const pid_t child : ProcessTable::read().children(::getpid()))
    if (!by_pid_.contains(child)) ::kill(child, SIGKILL);
}

void RunnerPool::wind_down() {
  winding_down_ = true;
  for (auto& [id, runner] : runners_)
    if (runner.view.phase == RunnerPhase::kIdle || runner.view.phase == RunnerPhase::kStarting)
      retire(runner);
}

void RunnerPool::end_all() {
  winding_down_ = true;
  requests_.clear();
  for (auto& [id, runner] : runners_) kill(runner);
  int wait_status = 0;
  while (true) {
    const pid_t pid = ::waitpid(-1, &wait_status, 0);
    if (pid < 0 && errno != EINTR) break;  // there are no children any more
    if (by_pid_.erase(pid) > 0) journal_.forget(pid);
    kill_orphans();
  }
  for (auto& [id, runner] : runners_)
    if (runner.memory && memory_groups_) memory_groups_->give_back(*runner.memory);
  runners_.clear();
}

}  // namespace millrace::runtime
