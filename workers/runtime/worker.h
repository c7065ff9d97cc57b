// Worker: holds attempts for the scheduler, gives each to a runner, watches what it uses, and says
// what became of it until the scheduler has written it down.
//
// The scheduler decides what runs where; the worker decides when a lease of its own has passed. A
// scheduler that is away costs nothing as long as leases hold: the stream is opened again, running
// attempts go on, results wait.
//
// Single-threaded: all of it on the thread that runs the io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/id.h"
#include "lib/telemetry/log.h"
#include "workers/runtime/attempt.h"
#include "workers/runtime/backoff.h"
#include "workers/runtime/config.h"
#include "workers/runtime/lease_book.h"
#include "workers/runtime/runner_pool.h"
#include "workers/runtime/scheduler_link.h"
#include "workers/runtime/scratch.h"

namespace millrace::runtime {

class Worker final : private LinkEvents, private RunnerPoolEvents {
 public:
  Worker(boost::asio::io_context& context, WorkerConfig config, std::string token,
         RawId incarnation, Journal journal, telemetry::Log& log);
  ~Worker() override;

  void start();
  // No new attempts; ends once those it has are done and acknowledged, or after the drain limit.
  void drain();
  // Ends at once: runners are killed, leases tell the scheduler.
  void stop();

 private:
  using Attempts = std::map<Epoch, Attempt>;

  // --- the stream: worker.cpp
  // ---------------------------------------------------------------------------
  void on_scheduler_message(worker::v1alpha1::SchedulerMessage message) override;
  void on_link_closed(const Error& reason) override;
  void connect();
  void on_welcome(const worker::v1alpha1::Welcome& welcome);
  void on_start(const worker::v1alpha1::Start& start);
  void on_heartbeat_ack(const worker::v1alpha1::HeartbeatAck& ack);
  void on_cancel(const worker::v1alpha1::Cancel& cancel);
  void on_result_ack(const worker::v1alpha1::ResultAck& ack);
  void heartbeat();
  void arm_heartbeat();
  void finish_drain_if_done();

  // --- attempts: worker_attempts.cpp
  // --------------------------------------------------------------------
  void describe(Epoch epoch);
  void on_described(Epoch epoch, Result<std::vector<task::v1alpha1::Description>> description);
  void on_granted(Epoch epoch, RunnerProcess& runner) override;
  Status prepare(Attempt& attempt, RunnerProcess& runner);
  void on_message(Epoch epoch, const runner::v1alpha1::FromRunner& message) override;
  void on_page(Epoch epoch, Attempt& attempt, const task::v1alpha1::FilePage& page);
  void on_group(Attempt& attempt, const runner::v1alpha1::ProcessGroup& group,
                RunnerProcess& runner);
  void on_output(Epoch epoch, std::string_view bytes) override;
  void on_ended(Epoch epoch, const RunnerEnd& end) override;
  void on_unavailable(const Error& error) override;
  // The attempt has no runner any more: its result is said from now on.
  void succeed(Epoch epoch, Attempt& attempt, const task::v1alpha1::Success& success);
  void fail(Epoch epoch, Attempt& attempt, const task::v1alpha1::Failure& failure);
  void finish(Epoch epoch, Attempt& attempt, worker::v1alpha1::WorkerMessage result);
  // Ends it wherever it stands. Without a failure nothing is said of it.
  void end(Epoch epoch, Attempt& attempt, std::optional<Error> failure);
  void forget(Epoch epoch);
  void clean_up(Attempt& attempt);
  void say(Attempt& attempt);
  // A line for the operator.
  void note(std::string_view what, const Attempt& attempt, const std::string& reason);
  task::v1alpha1::Usage usage_of(const Attempt& attempt) const;

  // --- watching: worker_watch.cpp
  // -----------------------------------------------------------------------
  void arm_tick();
  void tick();
  void watch(Epoch epoch, Attempt& attempt, Monotonic now, const ProcessTable* processes);
  void sample(Epoch epoch, Attempt& attempt, const ProcessTable* processes);
  void renew(Epoch epoch, Monotonic deadline);

  boost::asio::io_context& context_;
  const WorkerConfig config_;
  const RawId incarnation_;
  Journal journal_;
  telemetry::Log& log_;
  const std::vector<std::string> secrets_;  // own_secrets()
  SchedulerLink link_;
  RunnerPool pool_;
  ScratchFolders scratch_;

  Attempts attempts_;
  LeaseBook leases_;
  bool connected_ = false;  // welcomed
  bool draining_ = false;
  bool stopped_ = false;
  Micros lease_ = seconds(15);
  Micros heartbeat_interval_ = seconds(5);
  Backoff reconnect_backoff_{milliseconds(50), seconds(2)};
  Monotonic greeted_;  // when the hello of this stream was sent
  boost::asio::steady_timer reconnect_;
  boost::asio::steady_timer heartbeat_timer_;
  boost::asio::steady_timer tick_timer_;
  boost::asio::steady_timer drain_timer_;
  bool ticking_ = false;
  std::uint64_t ticks_ = 0;
};

}  // namespace millrace::runtime
