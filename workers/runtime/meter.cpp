#include "workers/runtime/meter.h"

#include <algorithm>

namespace millrace::runtime {
namespace {

std::string mebibytes_text(Bytes bytes) {
  const std::int64_t tenths = (bytes.value() * 10 + (1 << 19)) >> 20;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

Error exceeded(const char* code, const char* what, const char* field, Bytes used, Bytes limit) {
  return {ErrorClass::kResource, code,
          std::string("the attempt used ") + mebibytes_text(used) + " of " + what +
              ", it was granted " + mebibytes_text(limit),
          std::string("raise ") + field + " of the task", ""};
}

}  // namespace

void Meter::sample(const std::vector<ProcessSample>& tree) {
  if (tree.empty()) return;
  Micros cpu;
  Bytes memory;
  Bytes peak;
  for (const ProcessSample& process : tree) {
    cpu += process.cpu + process.children_cpu;
    memory += process.memory.unshared;
    // Between samples a process may have used more. Its peak counts mapped files too: what is
    // mapped now is taken off.
    peak += std::max(process.memory.unshared,
                     process.pid == runner_ ? process.memory.peak - process.memory.file : Bytes(0));
  }
  // A process that ends before it is waited for takes its time with it: what was seen once stays.
  cpu_ = std::max(cpu_, cpu - cpu_before_);
  memory_ = memory;
  memory_peak_ = std::max({memory_peak_, memory, peak});
}

void Meter::sample_disk(Bytes used) {
  disk_ = used;
  disk_peak_ = std::max(disk_peak_, used);
}

std::optional<Error> Meter::exceeded() const {
  if (limits_.memory > Bytes(0) && memory_ > limits_.memory)
    return runtime::exceeded("memory.exceeded", "memory", "resources.memory", memory_,
                             limits_.memory);
  if (limits_.disk > Bytes(0) && disk_ > limits_.disk)
    return runtime::exceeded("disk.exceeded", "scratch disk", "resources.disk", disk_,
                             limits_.disk);
  return std::nullopt;
}

Error Meter::ended_by_kernel() {
  memory_peak_ = std::max(memory_peak_, limits_.memory);  // quicker than the samples
  return {ErrorClass::kResource, "memory.exceeded",
          "the kernel ended the attempt at its limit of memory, it was granted " +
              mebibytes_text(limits_.memory),
          "raise resources.memory of the task", ""};
}

}  // namespace millrace::runtime
