// Clocks and samples of the benchmarks that are programs.
#pragma once

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace millrace::bench {

inline double clock_micros(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}
// CPU time of this thread, in microseconds: what else the machine has to do is not counted.
inline double cpu_micros() { return clock_micros(CLOCK_THREAD_CPUTIME_ID); }
inline double wall_micros() { return clock_micros(CLOCK_MONOTONIC); }

// A sample of durations, in microseconds.
class Sample {
 public:
  void add(double micros) { values_.push_back(micros); }
  double quantile(double q) {
    std::sort(values_.begin(), values_.end());
    return values_[std::min(values_.size() - 1,
                            static_cast<std::size_t>(q * static_cast<double>(values_.size())))];
  }
  std::string text() {
    std::array<char, 80> line{};
    std::snprintf(line.data(), line.size(), "p50 %7.0f us  p99 %7.0f us  max %7.0f us",
                  quantile(0.5), quantile(0.99), quantile(1));
    return line.data();
  }

 private:
  std::vector<double> values_;
};

// What a figure depends on besides the code: MILLRACE_COMMIT is set by bench/run.sh.
inline void print_settings(const char* title, const std::string& more) {
  double load = -1;
  if (getloadavg(&load, 1) != 1) load = -1;
#ifdef _GLIBCXX_ASSERTIONS
  const char* assertions = "on";
#else
  const char* assertions = "off";
#endif
#ifdef __OPTIMIZE__
  const char* optimized = "yes";
#else
  const char* optimized = "no";
#endif
  const char* commit = std::getenv("MILLRACE_COMMIT");
  std::printf(
      "=== %s\nsettings  commit %s, compiler %s, optimized %s, library assertions %s, cores %u, "
      "load %.2f, %s\n",
      title, commit == nullptr ? "unknown" : commit, __VERSION__, optimized, assertions,
      std::thread::hardware_concurrency(), load, more.c_str());
}

}  // namespace millrace::bench
