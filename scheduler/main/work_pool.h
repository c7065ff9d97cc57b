// WorkPool: a few threads for work that blocks, and a bounded queue before them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace millrace::scheduler {

class WorkPool {
 public:
  WorkPool(std::size_t threads, std::size_t max_queued);
  ~WorkPool() { stop(); }

  // False, and the work is dropped, when the queue is full or the pool has stopped.
  bool post(std::function<void()> work);
  // Ends what runs, drops what waits, joins the threads. Twice is once.
  void stop();

 private:
  void run();
  const std::size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace millrace::scheduler
