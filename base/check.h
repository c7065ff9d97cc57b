// Checks that stay on in release. A broken invariant of our own ends the process: leases make that
// safe, going on would not be. Never for outside input: that is an Error.
#pragma once

#include <string_view>

namespace millrace {
[[noreturn]] void check_failed(std::string_view condition, std::string_view message,
                               const char* file, int line);
}  // namespace millrace

#define MILLRACE_CHECK(condition, message)                                 \
  do {                                                                     \
    if (!(condition)) [[unlikely]]                                         \
      ::millrace::check_failed(#condition, (message), __FILE__, __LINE__); \
  } while (false)
