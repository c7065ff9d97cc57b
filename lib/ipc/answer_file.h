// Where an attempt leaves the answer to a query of rows: a rule that the runner, who writes it, and
// the scheduler, who hands it out and sweeps, share. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::ipc {

// Below the data root. No namespace has a name with a dot, so this folder is nobody's data.
inline constexpr const char* kAnswerFolder = ".answers";

// `run` is its id's text; epochs are never reused, so neither is a name.
inline std::string answer_file(const std::string& run, std::uint64_t epoch) {
  return run + "-" + std::to_string(epoch);
}

}  // namespace millrace::ipc
