// Worker: what is looked at again and again while it holds attempts: leases, usage, limits, results
// that nobody has acknowledged.
#include <chrono>
#include <utility>

#include "workers/runtime/wire.h"
#include "workers/runtime/worker.h"

namespace millrace::runtime {
namespace {

constexpr std::uint64_t kTicksPerDiskLook = 10;
constexpr std::size_t kMaxFilesCounted = 10'000;
constexpr Micros kShortestRepeat = seconds(1);

// Bytes that a folder's files take on disk.
Bytes disk_use(const std::filesystem::path& folder) {
  std::int64_t bytes = 0;
  std::size_t files = 0;
  std::error_code code;
  for (std::filesystem::recursive_directory_iterator it(folder, code), end; it != end && !code;
       it.increment(code)) {
    if (++files > kMaxFilesCounted) break;
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    const auto size = it->file_size(ignored);
    if (!ignored) bytes += static_cast<std::int64_t>(size);
  }
  return Bytes(bytes);
}

}  // namespace

// Ticks only while there is something to look at: an idle worker sleeps between heartbeats.
void Worker::arm_tick() {
  if (ticking_) return;
  ticking_ = true;
  tick_timer_.expires_after(std::chrono::microseconds(config_.sample_interval.value()));
  tick_timer_.async_wait([this](const boost::system::error_code& code) {
    ticking_ = false;
    if (code || stopped_) return;
    tick();
    if (!attempts_.empty()) arm_tick();
  });
}

void Worker::tick() {
  ++ticks_;
  const Monotonic now = monotonic_now();
  for (const Epoch epoch : leases_.expired(now)) {
    const auto it = attempts_.find(epoch);
    // A result may still be accepted: the scheduler, not this clock, decides that.
    if (it == attempts_.end() || it->second.phase == AttemptPhase::kFinished)
      leases_.drop(epoch);
    else
      end(epoch, it->second, lease_expired());
  }
  std::optional<ProcessTable> processes;
  for (auto it = attempts_.begin(); it != attempts_.end();) {
    const auto current = it++;  // watching may forget it
    if (current->second.had_children && !processes) processes = ProcessTable::read();
    watch(current->first, current->second, now, processes ? &*processes : nullptr);
  }
}

void Worker::watch(Epoch epoch, Attempt& attempt, Monotonic now, const ProcessTable* processes) {
  switch (attempt.phase) {
    case AttemptPhase::kDescribing:
      if (attempt.describe_again && *attempt.describe_again <= now && connected_) describe(epoch);
      return;
    case AttemptPhase::kFinished:
      // Lost on the way, or refused by a loop that was full.
      if (connected_ && now - attempt.said_at > std::max(kShortestRepeat, heartbeat_interval_) &&
          link_.queued() == 0)
        say(attempt);
      return;
    case AttemptPhase::kWaiting:
    case AttemptPhase::kEnding:
      return;
    case AttemptPhase::kRunning:
      break;
  }
  sample(epoch, attempt, processes);
  if (ticks_ % kTicksPerDiskLook == 0) attempt.meter.sample_disk(disk_use(attempt.scratch));
  if (auto exceeded = attempt.meter.exceeded()) return end(epoch, attempt, std::move(exceeded));
  if (attempt.kill_at && *attempt.kill_at <= now)
    return end(epoch, attempt, cancelled(attempt.cancel_reason));
  if (attempt.timeout > Micros(0) && now - attempt.assigned_at > attempt.timeout)
    return end(epoch, attempt,
               Error{ErrorClass::kTransient, "attempt.timed_out",
                     "the attempt ran longer than " +
                         std::to_string(attempt.timeout.value() / 1'000) + " ms",
                     ""});
}

void Worker::sample(Epoch epoch, Attempt& attempt, const ProcessTable* processes) {
  const RunnerProcess* runner = pool_.runner_of(epoch);
  if (runner == nullptr) return;
  std::vector<ProcessSample> tree;
  const std::vector<pid_t> pids =
      processes == nullptr ? std::vector{runner->pid()} : processes->tree(runner->pid());
  for (const pid_t pid : pids) {
    const auto memory = read_memory(pid);
    if (!memory) continue;
    Micros children;
    if (attempt.had_children)
      if (const auto stat = process::read_stat(pid)) children = stat->children_cpu;
    tree.push_back({pid, read_cpu(pid), children, *memory});
  }
  attempt.meter.sample(tree);
}

void Worker::renew(Epoch epoch, Monotonic deadline) {
  RunnerProcess* runner = pool_.runner_of(epoch);
  if (runner == nullptr) return;
  runner::v1alpha1::ToRunner message;
  message.mutable_renew()->set_epoch(epoch.value());
  message.mutable_renew()->set_lease_deadline_monotonic_us(deadline.value());
  runner->send(message);
}

}  // namespace millrace::runtime
