// Settings: the numbers that plan() goes by. An input like the others: a simulation sets its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/units.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

struct Settings {
  Micros lease = seconds(15);
  Micros heartbeat_interval = seconds(5);     // what workers are told; a third of the lease
  Micros cancel_grace = seconds(30);          // until an attempt that does not end is given up
  Micros key_retention = seconds(24 * 3600);  // of idempotency keys, after their run's end
  // How long a snapshot is kept after it was replaced, and after the end of the last run that had
  // pinned it; by dataset where it has a retention of its own.
  Micros snapshot_retention = seconds(7 * 24 * 3600);
  std::map<NamespacedName, Micros> dataset_retention;
  std::uint32_t snapshots_kept = 1;  // of each dataset, the newest ones, however old; at least 1
  std::uint32_t max_crashes = 3;  // a task that takes down so many runners in a row is quarantined
  std::size_t max_live_tasks = 1'000'000;  // admission: beyond, runs are refused
  std::size_t max_tasks_per_run = 10'000;
  std::size_t max_placements = 4'096;  // in one batch; the rest follows in the next
  std::size_t max_documents = 100'000;
  std::map<std::string, std::uint32_t>
      queue_limits;  // attempts at once; a queue not named has none
};

}  // namespace millrace::scheduler
