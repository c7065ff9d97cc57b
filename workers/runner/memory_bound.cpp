#include "workers/runner/memory_bound.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace millrace::runner {
namespace {

constexpr std::int64_t kSlackBytes = 256LL << 20;  // stacks of threads

// Private writable memory, which RLIMIT_DATA counts.
std::int64_t data_bytes() {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    std::int64_t kilobytes = 0;
    if (word == "VmData:" && file >> kilobytes) return kilobytes << 10;
  }
  return 0;
}

}  // namespace

MemoryBound::MemoryBound(Bytes grant) {
  if (::getrlimit(RLIMIT_DATA, &before_) != 0) return;
  rlimit bound = before_;
  bound.rlim_cur = std::min(before_.rlim_max,
                            static_cast<rlim_t>(data_bytes() + 2 * grant.value() + kSlackBytes));
  set_ = ::setrlimit(RLIMIT_DATA, &bound) == 0;
}

MemoryBound::~MemoryBound() {
  if (set_) ::setrlimit(RLIMIT_DATA, &before_);
}

}  // namespace millrace::runner
