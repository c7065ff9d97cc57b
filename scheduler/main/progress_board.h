// ProgressBoard: how far running attempts are, as heartbeats tell. Volatile and bounded: it holds
// what workers held when they were last heard, and losing it loses no truth. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "scheduler/api/ports.h"
#include "scheduler/core/types.h"
#include "scheduler/dispatch/session.h"

namespace millrace::scheduler {

class ProgressBoard final : public api::ProgressPort {
 public:
  std::vector<api::AttemptProgress> progress(RunId run) const override;
  // A heartbeat: all that the worker holds. It may come after the end of what it tells of; the next
  // one tells of that no more.
  void report(WorkerId worker, const std::vector<AttemptProgress>& attempts);
  // Its stream has ended: what it held is heard of again when it comes back.
  void left(WorkerId worker);
  // An attempt ended: nothing of it is shown any more.
  void ended(const AttemptRef& attempt);
  void clear();

 private:
  void forget(const AttemptRef& attempt);  // with the lock

  mutable std::mutex mutex_;
  std::map<TaskRef, api::AttemptProgress> latest_;
  std::map<WorkerId, std::vector<AttemptRef>> held_;  // as last reported, sorted; never empty
};

}  // namespace millrace::scheduler
