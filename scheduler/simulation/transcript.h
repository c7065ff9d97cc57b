// Transcript: what happened in a simulated installation, told in the language of scenario.h, to
// paste as a test: workers as they join, runs as they are submitted, results as they were reported,
// and after each arrow the events that followed.
//
// It is the log's view, so it leaves out what left no event (heartbeats, fenced results, messages
// on their way) and what the language has no word for (backoffs, several reads): where it matters,
// the line that first comes out otherwise says so.
#pragma once

#include <string>
#include <vector>

#include "scheduler/core/scenario.h"
#include "scheduler/engine/ports.h"

namespace millrace::simulation {

class Transcript {
 public:
  void joined(const scheduler::WorkerJoined& worker);  // told with the next batch
  // `at` is the time since the start.
  void appended(const scheduler::Batch& batch, Micros at);
  std::string text() const;  // a line each, oldest first

 private:
  void add_names(const scheduler::Event& event);
  // What somebody did for this event to follow; "" when the scheduler came to it by itself.
  std::string action_of(const scheduler::Event& event) const;

  std::string take_joined();

  scheduler::ScenarioNames names_;
  std::vector<scheduler::WorkerJoined> joined_;
  std::vector<std::string> lines_;
};

}  // namespace millrace::simulation
