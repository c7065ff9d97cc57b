// Units: bytes, CPU, durations, wall time and monotonic time, each a type of its own. Nothing here
// reads a clock.
#pragma once

#include <cstdint>

#include "base/strong.h"

namespace millrace {

struct BytesTag {
  static constexpr bool kArithmetic = true;
};
using Bytes = Strong<BytesTag>;
constexpr Bytes mebibytes(std::int64_t count) { return Bytes(count << 20); }

struct MilliCpuTag {
  static constexpr bool kArithmetic = true;
};
using MilliCpu = Strong<MilliCpuTag>;  // thousandths of a core

struct MicrosTag {
  static constexpr bool kArithmetic = true;
};
using Micros = Strong<MicrosTag>;  // a duration
constexpr Micros milliseconds(std::int64_t count) { return Micros(count * 1'000); }
constexpr Micros seconds(std::int64_t count) { return Micros(count * 1'000'000); }

// Wall time: microseconds since 1970-01-01T00:00:00Z. For people and records; never for leases.
struct WallTimeTag {
  static constexpr bool kArithmetic = false;
};
using WallTime = Strong<WallTimeTag>;
constexpr WallTime operator+(WallTime time, Micros d) { return WallTime(time.value() + d.value()); }
constexpr Micros operator-(WallTime a, WallTime b) { return Micros(a.value() - b.value()); }

// Monotonic time of one process or machine: microseconds since an arbitrary start. Leases and
// timers.
struct MonotonicTag {
  static constexpr bool kArithmetic = false;
};
using Monotonic = Strong<MonotonicTag>;
constexpr Monotonic operator+(Monotonic time, Micros d) {
  return Monotonic(time.value() + d.value());
}
constexpr Micros operator-(Monotonic a, Monotonic b) { return Micros(a.value() - b.value()); }

}  // namespace millrace
