// Watching a run until it ends: through lost connections, restarted schedulers and gaps in the log.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/exit.h"
#include "cli/session.h"

namespace millrace::cli {

struct WatchOptions {
  std::string run;
  std::optional<std::chrono::milliseconds> timeout;
  bool silent = false;    // only wait
  bool to_stdout = true;  // where the picture or the lines go; else to standard error
};

// The run's own exit code; kDetached when the person leaves by Ctrl-C, kTimeout when the time is
// over.
Exit watch_run(const WatchOptions& options, Session& session);

}  // namespace millrace::cli
