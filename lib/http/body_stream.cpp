#include "lib/http/body_stream.h"

#include <utility>

namespace millrace::http {

// Callbacks run without the lock: they may come back to this very stream.

bool BodyStream::write(std::string chunk) {
  if (chunk.empty()) return !abandoned();
  bool fits = false;
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_ || finished_ || broken_) return false;
    // A chunk larger than the bound may pass alone: it is the reader's lag that is bounded.
    fits = buffered_ == 0 || buffered_ + chunk.size() <= options_.max_buffered;
    if (fits) {
      // The connection takes until there is nothing left before it waits: one wake-up is enough.
      if (chunks_.empty()) wake = wake_;
      buffered_ += chunk.size();
      chunks_.push_back(std::move(chunk));
    }
  }
  if (!fits) {
    cut();
    return false;
  }
  if (wake) wake();
  return true;
}

void BodyStream::finish() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    wake = wake_;
  }
  if (wake) wake();
}

void BodyStream::cut() {
  std::function<void()> wake;
  std::function<void()> gone;
  std::function<void()> below;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_ || broken_) return;
    broken_ = true;
    chunks_.clear();
    buffered_ = 0;
    wake = wake_;
    gone = std::exchange(on_abandoned_, nullptr);
    below = std::exchange(when_below_, nullptr);
  }
  if (wake) wake();
  if (gone) gone();
  if (below) below();
}

bool BodyStream::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_ || broken_;
}

std::size_t BodyStream::buffered() const {
  const std::lock_guard lock(mutex_);
  return buffered_;
}

void BodyStream::on_abandoned(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!abandoned_ && !broken_) {
      on_abandoned_ = std::move(callback);
      return;
    }
  }
  callback();
}

void BodyStream::when_below(std::size_t bytes, std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (buffered_ > bytes && !abandoned_ && !broken_) {
      below_ = bytes;
      when_below_ = std::move(callback);
      return;
    }
  }
  callback();
}

BodyStream::Take BodyStream::take(std::string& chunk) {
  std::function<void()> below;
  Take taken = Take::kNothing;
  {
    const std::lock_guard lock(mutex_);
    if (broken_) return Take::kBroken;
    if (!chunks_.empty()) {
      // Small chunks travel together: a burst of events is one write.
      chunk = std::move(chunks_.front());
      chunks_.pop_front();
      constexpr std::size_t kTogether = 64 << 10;
      while (!chunks_.empty() && chunk.size() + chunks_.front().size() <= kTogether) {
        chunk += chunks_.front();
        chunks_.pop_front();
      }
      buffered_ -= chunk.size();
      if (when_below_ && buffered_ <= below_) below = std::exchange(when_below_, nullptr);
      taken = Take::kChunk;
    } else if (finished_) {
      taken = Take::kEnd;
    }
  }
  if (below) below();
  return taken;
}

void BodyStream::set_wake(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void BodyStream::abandon() {
  std::function<void()> gone;
  std::function<void()> below;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return;
    abandoned_ = true;
    chunks_.clear();
    buffered_ = 0;
    wake_ = nullptr;
    gone = std::exchange(on_abandoned_, nullptr);
    below = std::exchange(when_below_, nullptr);
  }
  if (gone) gone();
  if (below) below();
}

}  // namespace millrace::http
