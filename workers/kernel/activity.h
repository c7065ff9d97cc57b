// Activity: what an attempt has done so far, for progress and usage. Thread-safe: written by the
// threads that work, read by the one that reports.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::kernel {

struct Activity {
  std::atomic<double> fraction{-1};  // 0 to 1; negative while unknown
  std::atomic<std::int64_t> rows_read{0};
  std::atomic<std::int64_t> bytes_read{0};
  std::atomic<std::int64_t> rows_written{0};
  std::atomic<std::int64_t> bytes_written{0};
};

}  // namespace millrace::kernel
