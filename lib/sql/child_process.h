// One started millrace-sql: its socket and its end. Starts with an empty environment, the socket as
// standard input and output, and nothing else open but standard error; always ends with this
// object.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "lib/process/handle.h"
#include "lib/sql/channel.h"

namespace millrace::sql {

class ChildProcess {
 public:
  // Code "sql.parser_unavailable" when the program cannot be started. Safe beside other threads:
  // the child runs nothing of ours before exec.
  static Result<ChildProcess> start(const std::string& program);

  ChildProcess(ChildProcess&& other) noexcept = default;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess() { end(); }

  Channel& channel() { return channel_; }
  pid_t pid() const { return process_.pid(); }

  // Kills it if it still runs and reaps it. The signal that ended it, when one did: its own if it
  // had ended before, else SIGKILL.
  std::optional<int> end();

 private:
  ChildProcess(process::Handle process, Channel channel)
      : process_(std::move(process)), channel_(std::move(channel)) {}

  process::Handle process_;
  Channel channel_;
};

}  // namespace millrace::sql
