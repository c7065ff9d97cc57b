#include "scheduler/main/progress_board.h"

namespace millrace::scheduler {

std::vector<api::AttemptProgress> ProgressBoard::progress(RunId run) const {
  const std::lock_guard lock(mutex_);
  std::vector<api::AttemptProgress> found;
  for (auto it = latest_.lower_bound({run, TaskIndex()});
       it != latest_.end() && it->first.run == run; ++it)
    found.push_back(it->second);
  return found;
}

void ProgressBoard::report(const std::vector<AttemptProgress>& attempts) {
  const std::lock_guard lock(mutex_);
  for (const AttemptProgress& attempt : attempts) {
    api::AttemptProgress& latest = latest_[attempt.attempt.task_ref()];
    if (attempt.attempt.epoch < latest.attempt.epoch) continue;  // a heartbeat that was overtaken
    latest = {attempt.attempt, attempt.fraction, attempt.rows, attempt.bytes, attempt.usage};
  }
}

void ProgressBoard::ended(const AttemptRef& attempt) {
  const std::lock_guard lock(mutex_);
  const auto it = latest_.find(attempt.task_ref());
  if (it != latest_.end() && it->second.attempt.epoch <= attempt.epoch) latest_.erase(it);
}

void ProgressBoard::clear() {
  const std::lock_guard lock(mutex_);
  latest_.clear();
}

}  // namespace millrace::scheduler
