#include "workers/runtime/types.h"

#include <time.h>

namespace millrace::runtime {

Monotonic monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return Monotonic(now.tv_sec * 1'000'000 + now.tv_nsec / 1'000);
}

}  // namespace millrace::runtime
