// Settings: the numbers that plan() goes by. An input like the others: a simulation sets its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/units.h"

namespace millrace::scheduler {

struct Settings {
  Micros lease = seconds(15);
  Micros heartbeat_interval = seconds(5);     // what workers are told; a third of the lease
  Micros cancel_grace = seconds(30);          // until an attempt that does not end is given up
  Micros key_retention = seconds(24 * 3600);  // of idempotency keys, after their run's end
  std::uint32_t max_crashes = 3;  // a task that takes down so many runners in a row is quarantined
  std::size_t max_live_tasks = 1'000'000;  // admission: beyond, runs are refused
  std::size_t max_tasks_per_run = 10'000;
  std::size_t max_placements = 4'096;  // in one batch; the rest follows in the next
  std::size_t max_documents = 100'000;
  std::map<std::string, std::uint32_t>
      queue_limits;  // attempts at once; a queue not named has none
};

}  // namespace millrace::scheduler
