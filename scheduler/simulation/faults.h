// Faults: what goes wrong in a simulated installation, and how often. Plain numbers, so that a seed
// can draw them and a test can state them.
#pragma once

#include "base/units.h"

namespace millrace::simulation {

struct Faults {
  // The network between scheduler and workers. A lost message of a stream means a broken stream,
  // too.
  double message_lost = 0.002;
  double message_doubled = 0.005;
  double message_late = 0.02;
  Micros late_by = seconds(4);
  double stream_breaks_per_minute = 0.05;
  // Commits.
  double commit_unanswered = 0.02;  // took effect, nobody heard
  double commit_never = 0.01;       // did not, and nobody heard
  double commit_slow = 0.02;
  Micros slow_by = seconds(3);
  // Parties. Means between two such events, each; 0: never.
  Micros scheduler_crash_every = seconds(600);
  Micros worker_crash_every = seconds(500);
  Micros worker_stop_every = seconds(400);  // SIGSTOP for up to three leases
  Micros store_partition_every = seconds(900);
  Micros wall_jump_every = seconds(700);   // up to an hour, either way
  Micros loop_stall_every = seconds(600);  // a scheduler that is not scheduled

  static Faults none() {
    Faults faults;
    faults.message_lost = faults.message_doubled = faults.message_late = 0;
    faults.stream_breaks_per_minute = 0;
    faults.commit_unanswered = faults.commit_never = faults.commit_slow = 0;
    faults.scheduler_crash_every = faults.worker_crash_every = faults.worker_stop_every = Micros(0);
    faults.store_partition_every = faults.wall_jump_every = faults.loop_stall_every = Micros(0);
    return faults;
  }
};

}  // namespace millrace::simulation
