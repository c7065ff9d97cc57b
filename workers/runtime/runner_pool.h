// RunnerPool: the worker's runner processes: starts them ahead of need, hands one to each attempt
// that asks, ends them, and waits for every child. plan_pool() decides; this acts.
//
// Single-threaded, and to be used from the thread that lives as long as the worker (see spawn.h).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lib/telemetry/log.h"
#include "workers/runtime/backoff.h"
#include "workers/runtime/journal.h"
#include "workers/runtime/memory_groups.h"
#include "workers/runtime/pool_policy.h"
#include "workers/runtime/runner_process.h"
#include "workers/runtime/types.h"

namespace millrace::runtime {

struct RunnerPoolOptions {
  PoolSettings policy;
  SpawnOptions spawn;
  Micros ready_limit = seconds(30);      // from the start to Ready
  Micros close_limit = seconds(1);       // from the end of its channel to KILL
  std::uint32_t max_start_failures = 5;  // in a row, until those who wait are told
};

// How a busy runner ended, with all of its processes.
struct RunnerEnd {
  int wait_status = 0;          // of waitpid(2)
  bool out_of_memory = false;   // the kernel ended it, or what it ran, at its limit
  std::optional<Error> reason;  // when its channel broke first
};

class RunnerPoolEvents {
 public:
  virtual ~RunnerPoolEvents() = default;
  // The runner is the attempt's until release() or on_ended.
  virtual void on_granted(Epoch epoch, RunnerProcess& runner) = 0;
  virtual void on_message(Epoch epoch, const runner::v1alpha1::FromRunner& message) = 0;
  virtual void on_output(Epoch epoch, std::string_view bytes) = 0;
  virtual void on_ended(Epoch epoch, const RunnerEnd& end) = 0;
  // Runners do not start: those who wait should not wait longer.
  virtual void on_unavailable(const Error& error) = 0;
};

class RunnerPool final : private RunnerEvents {
 public:
  RunnerPool(boost::asio::io_context& context, RunnerPoolOptions options, Journal& journal,
             telemetry::Log& log, RunnerPoolEvents& events);
  ~RunnerPool() override;

  void start();
  void request(Epoch epoch, std::string ns);
  void withdraw(Epoch epoch);  // a request
  // The attempt is done. `reusable`: the runner may serve another. `had_children`: there may be
  // processes of the attempt's that outlived it; they are killed.
  void release(Epoch epoch, bool reusable, bool had_children);
  // SIGKILL for the runner and all that descends from it; on_ended follows.
  void kill(Epoch epoch);
  // The kernel's ceiling for the attempt's processes, where there are control groups.
  void limit_memory(Epoch epoch, Bytes grant);
  // Whether the kernel has ended one of them at it.
  bool out_of_memory(Epoch epoch);
  // The attempt's runner; null when it has none.
  RunnerProcess* runner_of(Epoch epoch);
  // No runner is kept ready any more, idle ones end.
  void wind_down();
  // Kills all there is and waits for it.
  void end_all();
  std::size_t size() const { return runners_.size(); }

 private:
  struct Runner {
    std::shared_ptr<RunnerProcess> process;
    RunnerView view;
    std::optional<Epoch> epoch;                        // while it is busy
    std::optional<Error> reason;                       // why its channel broke
    std::unique_ptr<boost::asio::steady_timer> timer;  // of its start or its end
    bool killed = false;
    std::optional<MemoryGroup> memory;
    std::uint64_t memory_kills = 0;  // in its group, of attempts before this one
  };
  struct Request {
    Epoch epoch;
    std::string ns;
  };

  void on_runner_message(RunnerProcess& runner,
                         const runner::v1alpha1::FromRunner& message) override;
  void on_runner_output(RunnerProcess& runner, std::string_view bytes) override;
  void on_runner_lost(RunnerProcess& runner, const Error& error) override;

  void schedule();
  void plan();
  void start_one();
  void put_into_group(Runner& runner);
  void start_failed(const Error& error);
  void retire(Runner& runner);
  void kill(Runner& runner);
  static bool out_of_memory(const Runner& runner);
  void await_children();
  void reap();
  void exited(RunnerId id, int wait_status);
  void kill_orphans();
  Runner* find(Epoch epoch);

  boost::asio::io_context& context_;
  const RunnerPoolOptions options_;
  Journal& journal_;
  telemetry::Log& log_;
  RunnerPoolEvents& events_;
  std::optional<MemoryGroups> memory_groups_;  // where they may be made
  std::map<RunnerId, Runner> runners_;
  std::map<pid_t, RunnerId> by_pid_;
  std::vector<Request> requests_;  // in the order they came
  boost::asio::signal_set child_signals_;
  boost::asio::steady_timer retry_;
  Backoff start_backoff_{milliseconds(100), seconds(30)};
  bool holding_back_ = false;  // starts failed: wait for retry_
  bool winding_down_ = false;
  bool scheduled_ = false;
  std::uint64_t last_id_ = 0;
};

}  // namespace millrace::runtime
