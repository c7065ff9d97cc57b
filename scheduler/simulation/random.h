// Random: a seeded stream of numbers that is the same with every standard library. SplitMix64
// (https://prng.di.unimi.it/splitmix64.c): small, and good enough to draw load and faults.
#pragma once

#include <cstdint>

#include "scheduler/engine/ports.h"

namespace millrace::simulation {

class Random final : public scheduler::EntropyPort {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // In [0, bound); bound > 0. The bias of the remainder is below 2^-32 for the bounds used here.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  // In [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
  }

 private:
  std::uint64_t state_;
};

}  // namespace millrace::simulation
