// ProgressBoard: how far running attempts are, as heartbeats tell. Volatile and bounded: it holds
// what is held by a worker now, and losing it loses no truth. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "scheduler/api/ports.h"
#include "scheduler/dispatch/session.h"

namespace millrace::scheduler {

class ProgressBoard final : public api::ProgressPort {
 public:
  std::vector<api::AttemptProgress> progress(RunId run) const override;
  void report(const std::vector<AttemptProgress>& attempts);
  // An attempt ended: nothing of it is shown any more.
  void ended(const AttemptRef& attempt);
  void clear();

 private:
  mutable std::mutex mutex_;
  std::map<TaskRef, api::AttemptProgress> latest_;
};

}  // namespace millrace::scheduler
