// ScratchFolders: an empty folder for each attempt, below the worker's own. Folders are emptied on
// a thread of their own and given out again: making and removing one for each attempt would cost
// more than a small attempt does.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <vector>

#include "base/result.h"

namespace millrace::runtime {

class ScratchFolders {
 public:
  explicit ScratchFolders(std::filesystem::path root) : root_(std::move(root)) {}
  // Returns once all that was given back is emptied.
  ~ScratchFolders();

  // Error: worker.scratch_failed.
  Result<std::filesystem::path> take();
  // Nobody writes there any more.
  void give_back(std::filesystem::path folder);

 private:
  void empty(const std::filesystem::path& folder);

  const std::filesystem::path root_;
  std::uint64_t last_ = 0;
  std::mutex mutex_;
  std::vector<std::filesystem::path> empty_;
  boost::asio::thread_pool sweeper_{1};  // last: ends before what it uses
};

}  // namespace millrace::runtime
