#include "workers/runtime/worker.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <random>
#include <utility>

#include "base/failpoint.h"
#include "workers/runtime/own_secrets.h"
#include "workers/runtime/wire.h"

namespace millrace::runtime {
namespace {

using worker::v1alpha1::SchedulerMessage;
using worker::v1alpha1::WorkerMessage;

constexpr std::uint32_t kProtocol = 1;

std::chrono::microseconds duration(Micros micros) {
  return std::chrono::microseconds(micros.value());
}

double jitter() {
  static std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

SpawnOptions runner_program(const WorkerConfig& config) {
  SpawnOptions options;
  options.program = config.runner.string();
  options.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC"};
  // For tests of what a crash between two steps leaves, and for builds with a sanitizer.
  for (const char* name :
       {"MILLRACE_FAILPOINT_KILL", "MILLRACE_FAILPOINT_LOG", "MILLRACE_FAILPOINT_TIMES",
        "MILLRACE_FAILPOINT_STOP", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = std::getenv(name); value != nullptr)
      options.environment.push_back(std::string(name) + "=" + value);
  return options;
}

RunnerPoolOptions pool_options(const WorkerConfig& config) {
  RunnerPoolOptions options;
  options.policy = config.pool;
  options.spawn = runner_program(config);
  options.ready_limit = config.ready_limit;
  return options;
}

}  // namespace

Worker::Worker(boost::asio::io_context& context, WorkerConfig config, std::string token,
               RawId incarnation, Journal journal, telemetry::Log& log)
    : context_(context),
      config_(std::move(config)),
      incarnation_(incarnation),
      journal_(std::move(journal)),
      log_(log),
      secrets_(own_secrets(token, own_environment())),
      link_(context.get_executor(), {config_.scheduler, std::move(token), incarnation.to_text()},
            *this),
      pool_(context, pool_options(config_), journal_, log, *this),
      scratch_(config_.scratch / config_.name),
      reconnect_(context),
      heartbeat_timer_(context),
      tick_timer_(context),
      drain_timer_(context) {}

Worker::~Worker() = default;

void Worker::start() {
  pool_.start();
  connect();
}

void Worker::connect() {
  WorkerMessage message;
  auto& hello = *message.mutable_hello();
  hello.set_version(MILLRACE_VERSION);
  hello.set_protocol(kProtocol);
  hello.set_worker_name(config_.name);
  hello.set_incarnation(to_wire(incarnation_));
  hello.mutable_capacity()->set_cpu_millis(config_.cpu.value());
  hello.mutable_capacity()->set_memory_bytes(config_.memory.value());
  hello.mutable_capacity()->set_disk_bytes(config_.disk.value());
  if (!journal_.ended_incarnation().is_nil())
    hello.set_ended_incarnation(to_wire(journal_.ended_incarnation()));
  // All that it has not been told to forget: also what waits, and results that are not
  // acknowledged.
  for (const auto& [epoch, attempt] : attempts_) *hello.add_attempts() = attempt.ref;
  const Monotonic now = monotonic_now();
  hello.set_sent_monotonic_us(now.value());
  leases_.sent(now);
  greeted_ = now;
  link_.connect(message);
}

void Worker::on_link_closed(const Error& reason) {
  const bool was_connected = std::exchange(connected_, false);
  heartbeat_timer_.cancel();
  if (stopped_) return;
  const Micros wait = reconnect_backoff_.failed(jitter());
  if (was_connected || reconnect_backoff_.failures() == 1 ||
      reason.error_class != ErrorClass::kTransient)
    log_.warn("no scheduler",
              {{"error", reason.to_text()}, {"retry_ms", std::to_string(wait.value() / 1'000)}});
  reconnect_.expires_after(duration(wait));
  reconnect_.async_wait([this](const boost::system::error_code& code) {
    if (!code && !stopped_) connect();
  });
}

void Worker::on_scheduler_message(SchedulerMessage message) {
  if (stopped_) return;
  switch (message.message_case()) {
    case SchedulerMessage::kWelcome:
      return on_welcome(message.welcome());
    case SchedulerMessage::kStart:
      return on_start(message.start());
    case SchedulerMessage::kHeartbeatAck:
      return on_heartbeat_ack(message.heartbeat_ack());
    case SchedulerMessage::kCancel:
      return on_cancel(message.cancel());
    case SchedulerMessage::kResultAck:
      return on_result_ack(message.result_ack());
    case SchedulerMessage::MESSAGE_NOT_SET:
      return;  // of a newer scheduler
  }
}

void Worker::on_welcome(const worker::v1alpha1::Welcome& welcome) {
  connected_ = true;
  if (welcome.lease_us() > 0) lease_ = Micros(welcome.lease_us());
  heartbeat_interval_ = welcome.heartbeat_interval_us() > 0
                            ? Micros(welcome.heartbeat_interval_us())
                            : Micros(lease_.value() / 3);
  log_.info("connected to the scheduler",
            {{"version", welcome.version()}, {"lease_ms", std::to_string(lease_.value() / 1'000)}});
  for (auto& [epoch, attempt] : attempts_) {
    if (attempt.phase == AttemptPhase::kFinished) say(attempt);
    if (attempt.phase == AttemptPhase::kDescribing && attempt.describe_again) describe(epoch);
  }
  arm_heartbeat();
}

void Worker::arm_heartbeat() {
  heartbeat_timer_.expires_after(duration(heartbeat_interval_));
  heartbeat_timer_.async_wait([this](const boost::system::error_code& code) {
    if (code || !connected_ || stopped_) return;
    heartbeat();
    arm_heartbeat();
  });
}

void Worker::heartbeat() {
  MILLRACE_FAILPOINT("worker.heartbeat");
  WorkerMessage message;
  auto& heartbeat = *message.mutable_heartbeat();
  for (const auto& [epoch, attempt] : attempts_) {
    auto& status = *heartbeat.add_attempts();
    *status.mutable_attempt() = attempt.ref;
    *status.mutable_usage() = usage_of(attempt);
    *status.mutable_progress() = attempt.progress;
    status.set_started(attempt.started);
  }
  heartbeat.set_draining(draining_);
  // The lease runs from here: what is sent later was not sent before this moment.
  const Monotonic now = monotonic_now();
  heartbeat.set_sent_monotonic_us(now.value());
  leases_.sent(now);
  link_.send(std::move(message));
}

void Worker::on_start(const worker::v1alpha1::Start& start) {
  const Epoch epoch(start.attempt().epoch());
  if (attempts_.contains(epoch) || leases_.dropped(epoch)) return;
  MILLRACE_FAILPOINT("worker.start_received");
  Attempt& attempt = attempts_[epoch];
  attempt.ref = start.attempt();
  attempt.ns = start.namespace_();
  attempt.kind = start.kind();
  attempt.grant = start.grant();
  attempt.timeout = Micros(start.attempt_timeout_us());
  MILLRACE_FAILPOINT("worker.start");
  leases_.hold(epoch, Monotonic(start.lease_from_monotonic_us()), Micros(start.lease_us()));
  arm_tick();
  if (draining_)
    return end(
        epoch, attempt,
        Error{ErrorClass::kInfrastructure, "worker.draining", "the worker is being shut down"});
  if (!is_path_part(attempt.ns) || attempt.ref.run_id().size() != 16)
    return end(epoch, attempt,
               Error{ErrorClass::kInfrastructure, "worker.invalid_start",
                     "the attempt's namespace or run cannot name a folder"});
  if (start.has_description()) return on_described(epoch, std::vector{start.description()});
  describe(epoch);
}

void Worker::on_heartbeat_ack(const worker::v1alpha1::HeartbeatAck& ack) {
  const Monotonic sent(ack.sent_monotonic_us());
  // A heartbeat was taken, and with it all that was said on this stream before. A welcome shows no
  // such thing: what ends the stream may be a result of ours, which is said again after each.
  if (sent > greeted_) reconnect_backoff_.succeeded();
  for (const auto& ref : ack.renewed())
    if (const auto deadline = leases_.renew(Epoch(ref.epoch()), sent, Micros(ack.lease_us())))
      renew(Epoch(ref.epoch()), *deadline);
  for (const auto& ref : ack.fenced())
    if (const auto it = attempts_.find(Epoch(ref.epoch())); it != attempts_.end())
      end(it->first, it->second, std::nullopt);
}

void Worker::on_cancel(const worker::v1alpha1::Cancel& cancel) {
  const auto it = attempts_.find(Epoch(cancel.attempt().epoch()));
  if (it == attempts_.end() || it->second.phase == AttemptPhase::kFinished ||
      it->second.phase == AttemptPhase::kEnding)
    return;
  Attempt& attempt = it->second;
  attempt.cancel_reason = cancel.reason();
  if (attempt.phase != AttemptPhase::kRunning)
    return end(it->first, attempt, cancelled(attempt.cancel_reason));
  if (attempt.kill_at) return;  // told before
  // The runner ends its command with TERM, waits for the grace and kills; it gets a moment more to
  // say so.
  const Micros grace =
      cancel.grace_us() > 0 ? std::min(Micros(cancel.grace_us()), config_.grace) : config_.grace;
  attempt.kill_at = monotonic_now() + grace + seconds(1);
  if (RunnerProcess* runner = pool_.runner_of(it->first)) {
    runner::v1alpha1::ToRunner message;
    message.mutable_cancel()->set_epoch(it->first.value());
    message.mutable_cancel()->set_reason(cancel.reason());
    runner->send(message);
  }
}

void Worker::on_result_ack(const worker::v1alpha1::ResultAck& ack) {
  const auto it = attempts_.find(Epoch(ack.attempt().epoch()));
  if (it == attempts_.end() || it->second.phase != AttemptPhase::kFinished) return;
  MILLRACE_FAILPOINT("worker.result_acknowledged");
  if (!ack.accepted()) note("result not accepted", it->second, ack.code());
  forget(it->first);
}

void Worker::drain() {
  if (std::exchange(draining_, true)) return;
  log_.info("draining", {{"attempts", std::to_string(attempts_.size())}});
  if (connected_) heartbeat();
  drain_timer_.expires_after(duration(config_.drain_limit));
  drain_timer_.async_wait([this](const boost::system::error_code& code) {
    if (code || stopped_) return;
    // What still runs is ended and said; what is finished but not acknowledged is left to its
    // lease.
    for (auto it = attempts_.begin(); it != attempts_.end();) {
      const auto current = it++;
      end(current->first, current->second,
          Error{ErrorClass::kInfrastructure, "worker.drained", "the worker was shut down"});
    }
    drain_timer_.expires_after(std::chrono::seconds(2));
    drain_timer_.async_wait([this](const boost::system::error_code& late) {
      if (!late) stop();
    });
  });
  finish_drain_if_done();
}

void Worker::finish_drain_if_done() {
  if (!draining_ || !attempts_.empty() || stopped_) return;
  // Not from within: whoever calls goes on with what stop() ends.
  boost::asio::post(context_, [this] { stop(); });
}

void Worker::stop() {
  if (std::exchange(stopped_, true)) return;
  pool_.end_all();
  for (auto& [epoch, attempt] : attempts_) clean_up(attempt);
  attempts_.clear();
  link_.close();
  log_.info("ended");
  context_.stop();
}

}  // namespace millrace::runtime
