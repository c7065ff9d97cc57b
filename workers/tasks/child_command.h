// ChildCommand: one program in a process group of its own, whose end is this process's end too. The
// program gets no descriptor but 0 (nothing), 1 and 2 (this process's), no new privileges, and the
// environment that it is given.
//
// Must be started by a thread that lives as long as the command: the kernel ends the child when the
// thread that forked it ends. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "lib/process/handle.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {

struct CommandSpec {
  std::vector<std::string> argv;         // argv[0] is a path, or a name that is looked for on PATH
  std::vector<std::string> environment;  // NAME=value
  std::string folder;                    // where it starts
};

struct CommandEnd {
  int exit_code = 0;  // when signal is 0
  int signal = 0;
  bool stopped = false;  // by `stop`
};

class ChildCommand {
 public:
  // Forks, lets `report` make the group known, then starts the program. Errors (user):
  // command.not_found, command.not_executable, command.folder; (infrastructure): command.start.
  static Result<ChildCommand> start(const CommandSpec& spec,
                                    const std::function<void(const ProcessGroup&)>& report);
  ChildCommand(ChildCommand&&) noexcept = default;
  ChildCommand& operator=(ChildCommand&&) = delete;
  ~ChildCommand();  // kills what is left of the group

  // Waits for the program's end; at `stop` it gets TERM, and KILL after `grace`. What is left of
  // its group is killed then.
  CommandEnd wait(const std::stop_token& stop, Micros grace);

 private:
  explicit ChildCommand(process::Handle process) : process_(std::move(process)) {}

  process::Handle process_;
};

}  // namespace millrace::tasks
