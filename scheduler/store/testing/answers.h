// For tests: collects what a store answers, and waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "scheduler/engine/ports.h"

namespace millrace::scheduler {

class Answers {
 public:
  void put(StoreAnswer answer) {
    const std::lock_guard lock(mutex_);
    if (std::holds_alternative<Renewed>(answer)) {
      ++renewals_;
    } else {
      answers_.push_back(std::move(answer));
    }
    came_.notify_all();
  }
  void put_fatal(Error error) {
    const std::lock_guard lock(mutex_);
    fatal_ = std::move(error);
    came_.notify_all();
  }
  // The next one other than Renewed; nothing when none came for a minute.
  std::optional<StoreAnswer> next() {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, kPatience, [this] { return !answers_.empty(); })) return std::nullopt;
    StoreAnswer answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  bool wait_renewals(int count) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, kPatience, [&] { return renewals_ >= count; });
  }
  std::optional<Error> wait_fatal() {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, kPatience, [this] { return fatal_.has_value(); });
    return fatal_;
  }
  bool empty() {
    const std::lock_guard lock(mutex_);
    return answers_.empty();
  }

 private:
  static constexpr std::chrono::seconds kPatience{60};
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<StoreAnswer> answers_;
  std::optional<Error> fatal_;
  int renewals_ = 0;
};

}  // namespace millrace::scheduler
