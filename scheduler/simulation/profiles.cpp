#include "scheduler/simulation/profiles.h"

namespace millrace::simulation {

std::optional<Options> profile(std::string_view name, std::uint64_t seed) {
  Options options;
  options.seed = seed;
  options.settings = simulated_settings();
  if (name == "faults") return options;
  if (name == "calm") {
    options.faults = Faults::none();
    options.calm = true;
    return options;
  }
  if (name == "storm") {
    options.load.runs = 6;
    options.load.task_time_max = seconds(60);
    for (Micros* every : {&options.faults.scheduler_crash_every, &options.faults.worker_crash_every,
                          &options.faults.worker_stop_every, &options.faults.store_partition_every,
                          &options.faults.wall_jump_every, &options.faults.loop_stall_every})
      *every = seconds(60);
    options.faults.stream_breaks_per_minute = 1;
    options.faults.commit_unanswered = 0.1;
    options.faults.commit_never = 0.05;
    options.faults.commit_slow = 0.1;
    options.faults.message_late = 0.1;
    options.faults.message_lost = 0.02;
    return options;
  }
  // Leaders that are cut off from the store again and again, and workers that hear little of who
  // leads: two leaders believe in themselves for a while.
  if (name == "split") {
    options.load.runs = 6;
    options.load.task_time_max = seconds(120);
    options.faults = Faults::none();
    options.faults.store_partition_every = seconds(30);
    options.faults.worker_stop_every = seconds(60);
    options.faults.message_lost = 0.2;
    return options;
  }
  if (name == "day") {
    options.load.runs = 2000;
    options.load.min_tasks = 30;
    options.load.max_tasks = 40;
    options.load.over = seconds(24 * 3600);
    options.workers = 8;
    return options;
  }
  return std::nullopt;
}

}  // namespace millrace::simulation
