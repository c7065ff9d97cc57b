// MemoryBound: a ceiling on this process's own memory while a statement of a user runs. The engine
// keeps its buffers within its limit, but some functions make their values outside of it, and a
// container that runs out takes every attempt in it along.
#pragma once

#include <sys/resource.h>

#include "base/units.h"

namespace millrace::runner {

class MemoryBound {
 public:
  // From what the process holds now, twice the grant more (RLIMIT_DATA: an allocation beyond it
  // fails at once). Twice, because it counts what is reserved, not what is used: the worker watches
  // that. Nothing where the kernel refuses.
  explicit MemoryBound(Bytes grant);
  MemoryBound(const MemoryBound&) = delete;
  MemoryBound& operator=(const MemoryBound&) = delete;
  ~MemoryBound();

 private:
  rlimit before_{};
  bool set_ = false;
};

}  // namespace millrace::runner
