// Worker: an attempt from its description to its result.
#include <signal.h>
#include <sys/wait.h>

#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/failpoint.h"
#include "lib/ipc/runner_exit.h"
#include "workers/runtime/wire.h"
#include "workers/runtime/worker.h"

namespace millrace::runtime {
namespace {

using runner::v1alpha1::FromRunner;
using runner::v1alpha1::ToRunner;
using worker::v1alpha1::WorkerMessage;

constexpr std::size_t kMaxPageBytes = std::size_t{64} << 20;  // of one attempt's file rows
constexpr Micros kDescribeAgain = milliseconds(200);

std::string last_line(const std::string& text) {
  std::string_view rest(text);
  while (!rest.empty() && rest.back() == '\n') rest.remove_suffix(1);
  const std::size_t line = rest.rfind('\n');
  return std::string(line == std::string_view::npos ? rest : rest.substr(line + 1));
}

// Without its own end a runner that was not told to end has crashed, whatever its exit code.
Error crash(const RunnerEnd& end, Attempt& attempt) {
  if (end.reason && end.reason->code == "runner.protocol") return *end.reason;
  Error error{ErrorClass::kInfrastructure, "runner.crashed", "", "", ""};
  if (WIFSIGNALED(end.wait_status)) {
    const int number = WTERMSIG(end.wait_status);
    error.message = "the runner ended by signal " + std::to_string(number) + " (" +
                    ::strsignal(number) + ") with " +
                    std::to_string(attempt.meter.memory().value() >> 20) + " MiB in use";
  } else {
    error.message =
        "the runner ended with exit code " + std::to_string(WEXITSTATUS(end.wait_status));
  }
  if (attempt.log) attempt.log->finish();  // the last words may have no end of line
  const std::string words = attempt.log ? last_line(attempt.log->tail()) : "";
  if (!words.empty()) error.message += "; its last words: " + words;
  return error;
}

}  // namespace

void Worker::describe(Epoch epoch) {
  Attempt& attempt = attempts_.at(epoch);
  attempt.describe_again.reset();
  link_.describe(attempt.ref,
                 [this, epoch](auto description) { on_described(epoch, std::move(description)); });
}

void Worker::on_described(Epoch epoch,
                          Result<std::vector<task::v1alpha1::Description>> description) {
  const auto it = attempts_.find(epoch);
  if (stopped_ || it == attempts_.end() || it->second.phase != AttemptPhase::kDescribing) return;
  Attempt& attempt = it->second;
  if (!description.ok()) {
    if (description.error().code == "lease.fenced") return forget(epoch);
    if (description.error().error_class == ErrorClass::kTransient) {
      attempt.describe_again = monotonic_now() + kDescribeAgain;  // as long as the lease holds
      return;
    }
    return end(epoch, attempt, std::move(description).error());
  }
  MILLRACE_FAILPOINT("worker.described");
  attempt.description = std::move(description).value();
  attempt.phase = AttemptPhase::kWaiting;
  pool_.request(epoch, attempt.ns);
}

void Worker::on_granted(Epoch epoch, RunnerProcess& runner) {
  const auto it = attempts_.find(epoch);
  if (it == attempts_.end()) return pool_.release(epoch, true, false);
  Attempt& attempt = it->second;
  attempt.phase = AttemptPhase::kRunning;
  attempt.assigned_at = monotonic_now();
  if (Status prepared = prepare(attempt, runner); !prepared.ok())
    return fail(epoch, attempt, to_wire(prepared.error()));

  ToRunner message;
  auto& assign = *message.mutable_assign();
  *assign.mutable_description() = std::move(attempt.description.front());
  assign.set_more(attempt.description.size() > 1);
  *assign.mutable_grant() = attempt.grant;
  assign.set_scratch_dir(attempt.scratch.string());
  assign.set_data_root(config_.data_root.string());
  assign.set_output_prefix(output_prefix(attempt.ns, attempt.ref));
  assign.set_lease_deadline_monotonic_us(leases_.deadline(epoch).value_or(Monotonic(0)).value());
  for (const auto& root : config_.allowed_roots) assign.add_allowed_roots(root.string());
  assign.set_grace_us(config_.grace.value());
  runner.send(message);
  for (std::size_t i = 1; i < attempt.description.size(); ++i) {
    message.Clear();
    *message.mutable_more()->mutable_description() = std::move(attempt.description[i]);
    message.mutable_more()->set_more(i + 1 < attempt.description.size());
    runner.send(message);
  }
  MILLRACE_FAILPOINT("worker.assigned");
  attempt.description = {};
}

Status Worker::prepare(Attempt& attempt, RunnerProcess& runner) {
  MILLRACE_TRY(scratch, scratch_.take());
  attempt.scratch = std::move(scratch);
  attempt.log.emplace(config_.log_dir / log_path(attempt.ns, attempt.ref), config_.log_limit,
                      secrets_);

  const pid_t pid = runner.pid();
  reset_peak(pid);
  const auto stat = process::read_stat(pid);
  pool_.limit_memory(Epoch(attempt.ref.epoch()), Bytes(attempt.grant.memory_bytes()));
  attempt.meter = Meter({Bytes(attempt.grant.memory_bytes()), Bytes(attempt.grant.disk_bytes())},
                        {pid, read_cpu(pid), stat ? stat->children_cpu : Micros(0), {}});
  return ok_status();
}

void Worker::on_message(Epoch epoch, const FromRunner& message) {
  const auto it = attempts_.find(epoch);
  if (it == attempts_.end() || it->second.phase != AttemptPhase::kRunning) return;
  Attempt& attempt = it->second;
  const auto mine = [&](const auto& part) { return part.epoch() == epoch.value(); };
  switch (message.message_case()) {
    case FromRunner::kStarted:
      if (mine(message.started())) attempt.started = true;
      return;
    case FromRunner::kProcessGroup:
      if (mine(message.process_group()))
        on_group(attempt, message.process_group(), *pool_.runner_of(epoch));
      return;
    case FromRunner::kProgress:
      if (!mine(message.progress())) return;
      attempt.progress = message.progress().progress();
      attempt.reported = message.progress().usage();
      return;
    case FromRunner::kFilePage:
      if (mine(message.file_page())) on_page(epoch, attempt, message.file_page().page());
      return;
    case FromRunner::kSucceeded:
      if (!mine(message.succeeded())) return;
      attempt.reported = message.succeeded().usage();
      return succeed(epoch, attempt, message.succeeded().success());
    case FromRunner::kFailed:
      if (!mine(message.failed())) return;
      attempt.reported = message.failed().usage();
      return fail(epoch, attempt,
                  pool_.out_of_memory(epoch) ? to_wire(attempt.meter.ended_by_kernel())
                                             : message.failed().failure());
    case FromRunner::kReady:
    case FromRunner::MESSAGE_NOT_SET:
      return;
  }
}

void Worker::on_group(Attempt& attempt, const runner::v1alpha1::ProcessGroup& message,
                      RunnerProcess& runner) {
  attempt.had_children = true;
  if (message.pgid() == 0) {
    for (const auto& [pgid, group] : std::exchange(attempt.groups, {})) journal_.forget(pgid);
    return;
  }
  // A runner may only name what descends from it: the next incarnation kills what is recorded here.
  const auto pgid = static_cast<pid_t>(message.pgid());
  const ProcessGroup group{pgid, static_cast<std::uint64_t>(message.start_time_ticks()),
                           runner.pid()};
  const auto leader = process::read_stat(pgid);
  if (!leader || leader->group != pgid || leader->start_ticks != group.start_ticks ||
      !descends_from(pgid, runner.pid()))
    return;
  attempt.groups[pgid] = group;
  if (const Status recorded = journal_.record(group); !recorded.ok())
    log_.error("journal", {{"error", recorded.error().to_text()}});
}

void Worker::on_page(Epoch epoch, Attempt& attempt, const task::v1alpha1::FilePage& page) {
  WorkerMessage message;
  *message.mutable_file_page()->mutable_attempt() = attempt.ref;
  *message.mutable_file_page()->mutable_page() = page;
  attempt.page_bytes += message.ByteSizeLong();
  if (attempt.page_bytes > kMaxPageBytes)
    return end(
        epoch, attempt,
        Error{ErrorClass::kUser, "result.too_large",
              "the rows of the result's files exceed " + std::to_string(kMaxPageBytes) + " bytes",
              "write fewer, larger files"});
  attempt.pages.push_back(std::move(message));
}

void Worker::on_output(Epoch epoch, std::string_view bytes) {
  const auto it = attempts_.find(epoch);
  if (it == attempts_.end()) return;
  Attempt& attempt = it->second;
  if (attempt.log) attempt.log->write(bytes);
}

void Worker::on_ended(Epoch epoch, const RunnerEnd& ended) {
  const auto it = attempts_.find(epoch);
  if (it == attempts_.end()) return;
  Attempt& attempt = it->second;
  if (attempt.ending) {
    const std::optional<Error>& failure = attempt.ending->failure;
    if (!failure) return forget(epoch);
    return fail(epoch, attempt, to_wire(*failure));
  }
  if (ended.out_of_memory) return fail(epoch, attempt, to_wire(attempt.meter.ended_by_kernel()));
  const auto deadline = leases_.deadline(epoch);
  const bool lease_passed =
      (deadline && *deadline <= monotonic_now()) ||
      (WIFEXITED(ended.wait_status) && WEXITSTATUS(ended.wait_status) == ipc::kLeasePassedExit);
  fail(epoch, attempt, to_wire(lease_passed ? lease_expired() : crash(ended, attempt)));
}

void Worker::on_unavailable(const Error& error) {
  for (auto it = attempts_.begin(); it != attempts_.end();) {
    const auto current = it++;
    if (current->second.phase == AttemptPhase::kWaiting)
      end(current->first, current->second,
          Error{ErrorClass::kInfrastructure, "runner.unavailable", error.message});
  }
}

void Worker::succeed(Epoch epoch, Attempt& attempt, const task::v1alpha1::Success& success) {
  MILLRACE_FAILPOINT("worker.runner_succeeded");
  sample(epoch, attempt, nullptr);
  WorkerMessage message;
  *message.mutable_succeeded()->mutable_attempt() = attempt.ref;
  *message.mutable_succeeded()->mutable_success() = success;
  *message.mutable_succeeded()->mutable_usage() = usage_of(attempt);
  if (RunnerProcess* runner = pool_.runner_of(epoch)) runner->drain_output();
  pool_.release(epoch, !attempt.kill_at, attempt.had_children);
  finish(epoch, attempt, std::move(message));
}

void Worker::fail(Epoch epoch, Attempt& attempt, const task::v1alpha1::Failure& failure) {
  note("attempt failed", attempt, failure.code() + ": " + failure.message());
  if (attempt.phase == AttemptPhase::kRunning) sample(epoch, attempt, nullptr);
  WorkerMessage message;
  *message.mutable_failed()->mutable_attempt() = attempt.ref;
  *message.mutable_failed()->mutable_failure() = failure;
  *message.mutable_failed()->mutable_usage() = usage_of(attempt);
  attempt.pages = {};
  if (RunnerProcess* runner = pool_.runner_of(epoch)) runner->drain_output();
  pool_.release(epoch, false, attempt.had_children);
  finish(epoch, attempt, std::move(message));
}

void Worker::finish(Epoch, Attempt& attempt, WorkerMessage result) {
  attempt.phase = AttemptPhase::kFinished;
  attempt.result = std::move(result);
  clean_up(attempt);
  say(attempt);
}

// Pages and result, in one go. Said again by tick() until it is acknowledged.
void Worker::say(Attempt& attempt) {
  MILLRACE_CHECK(attempt.result.has_value(), "an attempt that finished has a result");
  attempt.said_at = monotonic_now();
  if (!connected_) return;
  MILLRACE_FAILPOINT("worker.before_result");
  for (const WorkerMessage& page : attempt.pages) link_.send(page);
  link_.send(*attempt.result);
}

void Worker::end(Epoch epoch, Attempt& attempt, std::optional<Error> failure) {
  switch (attempt.phase) {
    case AttemptPhase::kFinished:
      if (!failure) forget(epoch);
      return;
    case AttemptPhase::kEnding:
      if (!failure) attempt.ending = Ending{};
      return;
    case AttemptPhase::kWaiting:
      pool_.withdraw(epoch);
      [[fallthrough]];
    case AttemptPhase::kDescribing:
      if (!failure) return forget(epoch);
      return fail(epoch, attempt, to_wire(*failure));
    case AttemptPhase::kRunning:
      break;
  }
  note("ending an attempt", attempt, failure ? failure->code : "lease.fenced");
  sample(epoch, attempt, nullptr);
  attempt.phase = AttemptPhase::kEnding;
  attempt.ending = Ending{std::move(failure)};
  pool_.kill(epoch);
}

void Worker::note(std::string_view what, const Attempt& attempt, const std::string& reason) {
  log_.warn(what, {{"run", id_from_wire(attempt.ref.run_id()).to_text()},
                   {"task", std::to_string(attempt.ref.task_index())},
                   {"attempt", std::to_string(attempt.ref.attempt())},
                   {"epoch", std::to_string(attempt.ref.epoch())},
                   {"reason", reason}});
}

void Worker::forget(Epoch epoch) {
  const auto it = attempts_.find(epoch);
  if (it == attempts_.end()) return;
  clean_up(it->second);
  leases_.drop(epoch);
  attempts_.erase(it);
  finish_drain_if_done();
}

void Worker::clean_up(Attempt& attempt) {
  for (const auto& [pgid, group] : std::exchange(attempt.groups, {})) journal_.forget(pgid);
  if (attempt.log) {
    attempt.log->finish();
    if (!attempt.log->error().empty()) note("log not written", attempt, attempt.log->error());
  }
  attempt.log.reset();
  if (!attempt.scratch.empty()) scratch_.give_back(std::exchange(attempt.scratch, {}));
}

task::v1alpha1::Usage Worker::usage_of(const Attempt& attempt) const {
  task::v1alpha1::Usage usage = attempt.reported;
  usage.set_cpu_us(attempt.meter.cpu().value());
  usage.set_memory_peak_bytes(attempt.meter.memory_peak().value());
  usage.set_disk_peak_bytes(attempt.meter.disk_peak().value());
  if (attempt.phase == AttemptPhase::kRunning || attempt.phase == AttemptPhase::kEnding)
    usage.set_wall_us((monotonic_now() - attempt.assigned_at).value());
  return usage;
}

}  // namespace millrace::runtime
