// Durations and amounts as manifests write them: GEP-2257 durations (1h30m), Kubernetes quantities
// of CPU (500m, 2, 0.5) and bytes (2Gi, 512M, 1048576). Whole numbers only, no floating point
// inside.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace millrace::manifest {

// Up to four numbers of up to five digits, each with h, m, s or ms. Code value.duration.
Result<Micros> parse_duration(std::string_view text);
// The one spelling of a duration, units falling: 1h30m, 0s, 250ms. Rounds down to milliseconds.
std::string format_duration(Micros duration);

// Down to a thousandth of a core, up to 10^6 cores. Code value.cpu.
Result<MilliCpu> parse_cpu(std::string_view text);
std::string format_cpu(MilliCpu cpu);  // whole cores where it can, else 500m

// Suffixes k M G T P E and Ki Mi Gi Ti Pi Ei; a fraction must come out as whole bytes. Code
// value.bytes.
Result<Bytes> parse_bytes(std::string_view text);
std::string format_bytes(Bytes bytes);  // the greatest binary suffix that leaves a whole number

}  // namespace millrace::manifest
