// Starting a runner: exec'ed, never a fork that goes on beside this process's threads.
//
// The child has: descriptors 0 (/dev/null), 1 and 2 (the output pipe), 3 (the channel) and no
// other; the environment given and nothing else; a session and process group of its own; SIGKILL
// when the worker's thread that called this ends (so call it from one that lives as long as the
// worker); no new privileges; no core files; adopts its own orphans; and is preferred to the worker
// when the kernel runs out of memory.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "lib/process/owned_fd.h"

namespace millrace::runtime {

struct SpawnOptions {
  std::string program;
  std::vector<std::string> arguments;    // without the program
  std::vector<std::string> environment;  // "NAME=value"
};

struct Spawned {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  process::OwnedFd channel;  // stream socket, non-blocking
  process::OwnedFd output;   // reading end, non-blocking
};

// Error: runner.spawn_failed, with the step that failed.
Result<Spawned> spawn(const SpawnOptions& options);

}  // namespace millrace::runtime
