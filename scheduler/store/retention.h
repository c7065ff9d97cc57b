// Retention of what the store keeps besides the state: drops the part of the log that is covered
// and old, what is kept of runs of long ago, and bodies and specs that nothing refers to any more.
#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"

namespace pqxx {
class connection_base;  // NOLINT(readability-identifier-naming): its own name
}  // namespace pqxx

namespace millrace::scheduler {

struct StoreRetention {
  Micros log;   // for those who follow events
  Micros runs;  // from their start on
};

// `state` is that of the log up to `sequence`. Works a table at a time, waits for no lock, and
// leaves for the next time what it could not get. Exceptions of libpqxx pass through when the
// connection is lost.
void drop_old(pqxx::connection_base& connection, int shard, const StoreRetention& retention,
              const State& state, Sequence sequence);

// One statement in a transaction of its own that waits for locks for a moment only: whatever keeps
// it from being done, but the loss of the connection, is left to the next time.
void housekeep(pqxx::connection_base& connection, const std::string& statement);

// How many batches a body's mark of use may lag behind: it is not written with each batch that
// refers to it.
inline constexpr std::int64_t kTouchSlack = 100;

}  // namespace millrace::scheduler
