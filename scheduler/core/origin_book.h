// OriginBook: what a rerun needs to know of runs that have ended, gathered from the events of a
// log: what the store keeps in tables. For scenarios, the simulator and tests.
#pragma once

#include <map>
#include <set>

#include "scheduler/core/events.h"
#include "scheduler/core/rerun.h"

namespace millrace::scheduler {

class OriginBook {
 public:
  struct Entry {
    WorkflowSpecRef spec;
    Rerun origin;  // nothing asked, nothing changed
  };
  // Every event of the log, in order.
  void note(const Event& event);
  // Of a run that has ended; otherwise null.
  const Entry* ended(RunId run) const;

 private:
  OriginTask& task(TaskRef ref) { return runs_.at(ref.run).origin.tasks.at(ref.task.value()); }

  std::map<RunId, Entry> runs_;
  std::set<RunId> ended_;
};

}  // namespace millrace::scheduler
