// Whether a scheduler is ready to be worked with: it answers, leads, and has a worker.
#pragma once

#include <chrono>
#include <string>

namespace millrace::cli {

struct Readiness {
  bool ready = false;
  std::string reason;  // why not
};

Readiness ask_readiness(const std::string& url, const std::string& token,
                        std::chrono::steady_clock::time_point deadline);

}  // namespace millrace::cli
