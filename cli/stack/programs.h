// How the programs of a stack are called: their command lines, and how a running one is recognized.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/stack/daemon.h"
#include "cli/stack/layout.h"
#include "cli/stack/record.h"

namespace millrace::cli {

struct ProgramPlaces {
  std::filesystem::path programs;
  std::string connection;              // to Postgres, for libpq
  int port = 0;                        // of REST; 0: any
  std::string lease;                   // empty: the default
  std::string log_format;              // empty: the default
  std::vector<std::string> retention;  // flags
  std::vector<std::filesystem::path> allowed;
};

// Has the scheduler's program look at its settings, and start nothing: it alone knows what it
// takes. Errors: up.setting_refused, up.start_failed.
Status check_settings(const Layout& layout, const ProgramPlaces& places);

DaemonSpec scheduler_spec(const Layout& layout, const ProgramPlaces& places);
// Offers what the machine has, as the worker's own defaults say.
DaemonSpec worker_spec(const Layout& layout, const ProgramPlaces& places);

std::string program_name(const std::string& part);  // "millrace-scheduler"
// The part's daemon, if it lives: by its record, else by an argument that only this stack's has.
std::optional<DaemonId> find_part(const StackRecord& record, const std::string& part,
                                  const Layout& layout);

// How long a part may take to end before it is made to.
inline constexpr std::chrono::seconds kStopGrace{15};

}  // namespace millrace::cli
