#include "scheduler/main/progress_board.h"

#include <algorithm>
#include <utility>

namespace millrace::scheduler {

std::vector<api::AttemptProgress> ProgressBoard::progress(RunId run) const {
  const std::lock_guard lock(mutex_);
  std::vector<api::AttemptProgress> found;
  for (auto it = latest_.lower_bound({run, TaskIndex()});
       it != latest_.end() && it->first.run == run; ++it)
    found.push_back(it->second);
  return found;
}

void ProgressBoard::report(WorkerId worker, const std::vector<AttemptProgress>& attempts) {
  std::vector<AttemptRef> now;
  now.reserve(attempts.size());
  for (const AttemptProgress& attempt : attempts) now.push_back(attempt.attempt);
  std::ranges::sort(now);
  const std::lock_guard lock(mutex_);
  if (const auto before = held_.find(worker); before != held_.end())
    for (const AttemptRef& attempt : before->second)
      if (!std::ranges::binary_search(now, attempt)) forget(attempt);
  if (now.empty())
    held_.erase(worker);
  else
    held_[worker] = std::move(now);
  for (const AttemptProgress& attempt : attempts) {
    api::AttemptProgress& latest = latest_[attempt.attempt.task_ref()];
    if (attempt.attempt.epoch < latest.attempt.epoch) continue;  // a heartbeat that was overtaken
    latest = {attempt.attempt, attempt.fraction, attempt.rows, attempt.bytes, attempt.usage};
  }
}

void ProgressBoard::left(WorkerId worker) {
  const std::lock_guard lock(mutex_);
  const auto held = held_.find(worker);
  if (held == held_.end()) return;
  for (const AttemptRef& attempt : held->second) forget(attempt);
  held_.erase(held);
}

void ProgressBoard::ended(const AttemptRef& attempt) {
  const std::lock_guard lock(mutex_);
  forget(attempt);
}

void ProgressBoard::forget(const AttemptRef& attempt) {
  const auto it = latest_.find(attempt.task_ref());
  if (it != latest_.end() && it->second.attempt.epoch <= attempt.epoch) latest_.erase(it);
}

void ProgressBoard::clear() {
  const std::lock_guard lock(mutex_);
  latest_.clear();
  held_.clear();
}

}  // namespace millrace::scheduler
