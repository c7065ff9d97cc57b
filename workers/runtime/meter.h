// Meter: what one attempt uses, out of samples of its process tree. Pure arithmetic.
//
// Memory is counted as unshared pages, so that the libraries which runners share are nobody's: the
// same measure for the watchdog, the reported peak and the next attempt's prediction.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/units.h"
#include "workers/runtime/process_table.h"

namespace millrace::runtime {

// One process of the tree, at one moment.
struct ProcessSample {
  pid_t pid = 0;
  Micros cpu;           // of its own
  Micros children_cpu;  // of children that it has waited for
  MemoryUse memory;
};

struct Limits {
  Bytes memory;  // 0: none
  Bytes disk;    // 0: none
};

class Meter {
 public:
  Meter() = default;
  // `runner` is what the runner has used before the attempt.
  Meter(Limits limits, const ProcessSample& runner)
      : limits_(limits), runner_(runner.pid), cpu_before_(runner.cpu + runner.children_cpu) {}

  void sample(const std::vector<ProcessSample>& tree);
  void sample_disk(Bytes used);

  // The figure that is beyond its limit now: Resource memory.exceeded or disk.exceeded.
  std::optional<Error> exceeded() const;

  // What the kernel's ceiling gives: Resource memory.exceeded.
  Error ended_by_kernel();

  Micros cpu() const { return cpu_; }
  Bytes memory() const { return memory_; }  // at the last sample
  Bytes memory_peak() const { return memory_peak_; }
  Bytes disk_peak() const { return disk_peak_; }

 private:
  Limits limits_;
  pid_t runner_ = 0;
  Micros cpu_before_;
  Micros cpu_;
  Bytes memory_;
  Bytes memory_peak_;
  Bytes disk_;
  Bytes disk_peak_;
};

}  // namespace millrace::runtime
