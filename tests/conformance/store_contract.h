// What the engine may rely on of a store, whichever it is. One suite, run against Postgres and
// against the simulator's memory.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "scheduler/engine/ports.h"

namespace millrace::conformance {

// A database that several schedulers share, and the world around it.
class StoreWorld {
 public:
  virtual ~StoreWorld() = default;
  // A scheduler's store; they are numbered from 0 in the order they are opened.
  virtual scheduler::StorePort& open() = 0;
  // The next answer of the store other than Renewed, waiting for it.
  virtual scheduler::StoreAnswer answer(int store) = 0;
  // Leadership lapses, whoever holds it, and the holder does not know yet.
  virtual void lapse() = 0;
  // The store's next commit takes effect, and its answer is lost.
  virtual void lose_answer(int store) = 0;
  // How many batches the log holds.
  virtual std::uint64_t log_size() = 0;
};

struct StoreKind {
  std::string name;
  std::unique_ptr<StoreWorld> (*make)();
};
// For gtest, which prints parameters and looks for it by this name.
// NOLINTNEXTLINE(readability-identifier-naming): its own name
inline void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

std::unique_ptr<StoreWorld> make_memory_world();
std::unique_ptr<StoreWorld> make_postgres_world();

}  // namespace millrace::conformance
