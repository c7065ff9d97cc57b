// One started millrace-sql: its socket and its end. Starts with an empty environment, the socket as
// standard input and output, and nothing else open but standard error; always ends with this
// object.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "lib/sql/channel.h"

namespace millrace::sql {

class ChildProcess {
 public:
  // Code "sql.parser_unavailable" when the program cannot be started. Safe beside other threads:
  // the child runs nothing of ours before exec.
  static Result<ChildProcess> start(const std::string& program);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess() { end(); }

  Channel& channel() { return channel_; }
  pid_t pid() const { return pid_; }

  // Kills it if it still runs and reaps it. The signal that ended it, when one did: its own if it
  // had ended before, else SIGKILL.
  std::optional<int> end();

 private:
  ChildProcess(pid_t pid, Channel channel) : pid_(pid), channel_(std::move(channel)) {}

  pid_t pid_ = -1;
  Channel channel_;
};

}  // namespace millrace::sql
