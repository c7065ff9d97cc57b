// Starting a program: exec'ed, never a fork that goes on beside this process's threads.
//
// The child has the descriptors, the environment and the folder that it is given and no other; no
// signal is blocked or ignored in it. Linux. Safe beside other threads: between fork and exec the
// child calls only what signal-safety(7) allows.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/process/handle.h"
#include "lib/process/user.h"

namespace millrace::process {

enum class Group { kOfParent, kOwn, kOwnSession };

struct StartOptions {
  std::string program = {};                   // a path
  std::string name = {};                      // what it is told to be, argv[0]; empty: the path
  std::vector<std::string> arguments = {};    // without the name
  std::vector<std::string> environment = {};  // "NAME=value"
  std::string folder = "/";                   // where it starts
  // Open descriptors of this process, which become the child's 0, 1, 2 and so on; kNull is
  // /dev/null.
  static constexpr int kNull = -1;
  std::vector<int> descriptors = {kNull, kNull, kNull};
  Group group = Group::kOfParent;
  std::optional<User> user = {};  // nothing: the caller's own
  std::optional<mode_t> umask = {};
  // The signal that the child gets when the thread that started it ends: start it from one that
  // lives as long as it may. 0: it survives.
  int signal_at_parents_end = 0;
  bool confined = false;        // no new privileges, no core files
  bool adopts_orphans = false;  // PR_SET_CHILD_SUBREAPER
  // Preferred to others when memory runs out (proc(5), oom_score_adj); a wish.
  bool killed_first = false;
  // Called here while the child, its group made, waits to become the program.
  std::function<void(pid_t)> before_exec = {};
};

// Why there is no child: what was being done, and the errno of it.
struct StartFault {
  enum class Step : int {
    kResources,  // pipes, the fork, the descriptor of the process
    kGroup,
    kUser,
    kDescriptors,
    kConfine,
    kFolder,
    kExec,
  };
  Step step = Step::kResources;
  int number = 0;
};
// "entering its folder: No such file or directory"
std::string to_text(const StartFault& fault);

using Started = std::variant<Handle, StartFault>;
// Returns when the program runs or cannot.
Started start(const StartOptions& options);

}  // namespace millrace::process
