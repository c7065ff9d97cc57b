// Runner: serves attempts, one at a time, over the channel, until it closes.
//
// Three threads: the caller's reads the channel and reports progress; one works, and lives as long
// as the runner, because a command ends with the thread that forked it; LeaseGuard's watches the
// lease.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/result.h"
#include "workers/kernel/query_engine.h"
#include "workers/runner/channel.h"
#include "workers/runner/lease_guard.h"
#include "workers/runner/translate.h"
#include "workers/tasks/task.h"

namespace millrace::runner {

class Runner {
 public:
  explicit Runner(int channel_descriptor) : channel_(channel_descriptor) {}
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() = default;

  // Never returns normally from its channel's end: the process ends there, with whatever it was
  // doing. An error is one of the start (the engine) or of the protocol.
  Error serve();

 private:
  // An attempt under way. Shared by the thread that works and the one that reads.
  struct Attempt {
    std::uint64_t epoch = 0;
    std::stop_source stop;
    kernel::Activity activity;
  };

  Status handle(const v1alpha1::ToRunner& message);
  Status begin(v1alpha1::Assign assign);
  bool busy();
  void report_progress();
  void work(const std::stop_token& stop);
  void run(const v1alpha1::Assign& assign, Attempt& attempt);
  Result<SuccessMessages> execute(const v1alpha1::Assign& assign, Attempt& attempt, int& exit_code);
  void send_success(SuccessMessages messages, const Attempt& attempt);
  void send(const v1alpha1::FromRunner& message);

  Channel channel_;
  LeaseGuard lease_;
  std::unique_ptr<kernel::QueryEngine> engine_;  // the working thread's, once it works

  std::mutex mutex_;  // guards all below
  std::condition_variable_any arrived_;
  std::optional<v1alpha1::Assign> growing_;  // its description's chunks have not all come
  std::optional<v1alpha1::Assign> next_;
  std::shared_ptr<Attempt> attempt_;
  std::string last_progress_;

  std::jthread worker_;  // last: it uses the others
};

}  // namespace millrace::runner
