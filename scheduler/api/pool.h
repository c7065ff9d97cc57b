// Pool: a few threads for requests that wait for the loop or the database, with a bounded queue.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace millrace::api {

class Pool {
 public:
  Pool(std::size_t threads, std::size_t max_queued);
  ~Pool();  // stops
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // False, and nothing is done, when the queue is full or the pool has stopped. Any thread. `work`
  // must not throw.
  bool post(std::function<void()> work);
  // Waits for what runs, drops what waits. Not on a thread of the pool. Twice is once.
  void stop();

 private:
  void serve();

  const std::size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace millrace::api
