// Reruns: a run that has ended, done again as a new run of the same document. What succeeded in it
// is taken over with its outputs and snapshots; what did not, and all that waits for something that
// runs again, runs again. Which is which is decided here. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "scheduler/core/events.h"
#include "scheduler/core/spec.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

// How a task of the origin ended.
struct OriginTask {
  TaskState state = TaskState::kSucceeded;
  RunId source;  // the run whose attempt succeeded: the origin, or where that had it from
  std::vector<events::Pin> snapshots;  // what that attempt wrote
  friend bool operator==(const OriginTask&, const OriginTask&) = default;
};

// What is asked for, and all of the run to do again that matters: the state forgets runs that have
// ended, the store keeps them.
struct Rerun {
  RunId origin;
  std::string origin_name;
  std::vector<OriginTask> tasks;  // in the order of the spec
  std::vector<events::Pin> pins;  // what the origin read from outside, as it began; sorted
  std::vector<TaskIndex> asked;   // to run again although they succeeded
  std::vector<TaskIndex>
      changed;  // likewise: their documents see a parameter that has another value
};

// What a rerun takes over, each after what it needs. All other tasks run again: those that did not
// succeed, those asked for or changed, and everything downstream of them. Codes, all of class user:
//   rerun.nothing   every task succeeded, and none was asked for
//   rerun.appends   a task that appended to its dataset would do so a second time without having
//                   been asked for by name
//   rerun.not_kept  the store does not have all of the origin any more
Result<std::vector<events::TakenTask>> taken_by(const WorkflowSpec& spec, const Rerun& rerun);

}  // namespace millrace::scheduler
