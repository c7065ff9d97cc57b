#include "lib/process/orphans.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>
#include <vector>

namespace millrace::process {
namespace {

bool adopts_orphans() {
  int subreaper = 0;
  return ::prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && subreaper != 0;
}

std::vector<pid_t> children_of_this_process() {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream list(thread.path() / "children");
    for (pid_t pid = 0; list >> pid;) children.push_back(pid);
  }
  return children;
}

}  // namespace

void end_orphans() {
  if (!adopts_orphans()) return;
  // A killed one leaves its own children to us, so until there are none.
  for (;;) {
    const std::vector<pid_t> children = children_of_this_process();
    if (children.empty()) return;
    for (const pid_t pid : children) ::kill(pid, SIGKILL);
    for (const pid_t pid : children)
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
  }
}

void end_children_quickly() {
  constexpr int kMostLooks = 100;
  if (!adopts_orphans()) return;
  for (int look = 0; look < kMostLooks; ++look) {
    const std::vector<pid_t> children = children_of_this_process();
    if (children.empty()) return;
    for (const pid_t pid : children) ::kill(pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (const pid_t pid : children) ::waitpid(pid, nullptr, WNOHANG);
  }
}

}  // namespace millrace::process
