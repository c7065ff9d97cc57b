// RunnerProcess: one runner, its channel and its output, on the worker's io_context.
//
// Says what it hears to its owner; decides nothing. Single-threaded. The owner tells it when the
// process has been waited for, because one SIGCHLD stands for many children.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "millrace/runner/v1alpha1/runner.pb.h"
#include "workers/runtime/spawn.h"
#include "workers/runtime/types.h"

namespace millrace::runtime {

class RunnerProcess;

class RunnerEvents {
 public:
  virtual ~RunnerEvents() = default;
  virtual void on_runner_message(RunnerProcess& runner,
                                 const runner::v1alpha1::FromRunner& message) = 0;
  // Standard output and error, as they come.
  virtual void on_runner_output(RunnerProcess& runner, std::string_view bytes) = 0;
  // The channel broke (runner.protocol) or was closed by the runner (runner.closed). Once; it is of
  // no more use, and its exit follows.
  virtual void on_runner_lost(RunnerProcess& runner, const Error& error) = 0;
};

class RunnerProcess : public std::enable_shared_from_this<RunnerProcess> {
 public:
  static std::shared_ptr<RunnerProcess> adopt(const boost::asio::any_io_executor& executor,
                                              RunnerId id, Spawned spawned, RunnerEvents& events);
  ~RunnerProcess();

  RunnerId id() const;
  pid_t pid() const;
  std::uint64_t start_ticks() const;

  // Queued and sent in order. A message beyond the frame limit is a bug of ours.
  void send(const runner::v1alpha1::ToRunner& message);
  // No more messages: the runner reads end of file and ends itself.
  void close();
  // Reads what is in the pipe by now: before its log is closed.
  void drain_output();
  // Reads what is left in channel and pipe, then says nothing any more. After the process was
  // waited for.
  void finish();

 private:
  struct Impl;
  explicit RunnerProcess(std::unique_ptr<Impl> impl);
  enum class Pipe { kRead, kEmpty, kEnded };
  bool usable() const;
  void read_channel();
  bool receive();
  void read_output();
  Pipe receive_output();
  void write_channel();
  void take(std::string_view bytes);
  void lost(const Error& error);

  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::runtime
