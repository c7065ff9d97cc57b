// Workload: the runs that a simulated crowd submits, drawn from a seed: every shape of dependency,
// all traits, all ways to end.
#pragma once

#include <string>
#include <vector>

#include "scheduler/core/spec.h"
#include "scheduler/simulation/random.h"

namespace millrace::simulation {

struct Load {
  std::uint32_t runs = 12;
  std::uint32_t min_tasks = 1;
  std::uint32_t max_tasks = 12;
  Micros over = seconds(300);  // runs arrive evenly within this time
  Micros task_time_max = seconds(20);
  double task_fails = 0.05;  // of the attempts
  bool long_tasks = true;    // now and then one of several leases
  double steered = 0.15;     // runs that someone cancels or pauses
  double rerun = 0.3;        // runs that someone does again when they have ended
  Micros rerun_within = seconds(300);
};

// How one task behaves, whatever attempt runs it.
struct TaskBehaviour {
  Micros takes;
  bool poison = false;  // takes its runner down every time
  bool broken = false;  // fails for good every time
};

struct PlannedRun {
  Micros at;  // since the start
  std::string name;
  std::string key;
  scheduler::WorkflowSpecRef spec;
  std::vector<TaskBehaviour> behaviours;
  // Steering; 0: none.
  Micros cancel_after;
  Micros pause_after;
  Micros resume_after;
  bool submit_twice = false;
  // Done again so long after it was accepted, as soon as it has ended by then; 0: not. Some of its
  // tasks are asked for, though they may have succeeded; others see a parameter that changed.
  Micros rerun_after;
  std::vector<scheduler::TaskIndex> asked;
  std::vector<scheduler::TaskIndex> changed;
};

std::vector<PlannedRun> draw_workload(Random& random, const Load& load);

}  // namespace millrace::simulation
