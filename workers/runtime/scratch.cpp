#include "workers/runtime/scratch.h"

#include <sys/stat.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "base/file_error.h"

namespace millrace::runtime {
namespace {
constexpr std::size_t kMostKept = 64;
}

ScratchFolders::~ScratchFolders() { sweeper_.join(); }

Result<std::filesystem::path> ScratchFolders::take() {
  {
    const std::scoped_lock lock(mutex_);
    if (!empty_.empty()) {
      std::filesystem::path folder = std::move(empty_.back());
      empty_.pop_back();
      return folder;
    }
  }
  std::filesystem::path folder = root_ / std::to_string(++last_);
  if (::mkdir(folder.c_str(), 0700) != 0)
    return file_error("making", folder, errno, "worker.scratch_failed");
  return folder;
}

void ScratchFolders::give_back(std::filesystem::path folder) {
  boost::asio::post(sweeper_, [this, folder = std::move(folder)] { empty(folder); });
}

// A folder that is no longer one (a link in its place), or that cannot be emptied, is not used
// again.
void ScratchFolders::empty(const std::filesystem::path& folder) {
  std::error_code code;
  if (std::filesystem::symlink_status(folder, code).type() !=
      std::filesystem::file_type::directory) {
    std::filesystem::remove(folder, code);
    return;
  }
  for (std::filesystem::directory_iterator it(folder, code), end; !code && it != end;
       it.increment(code)) {
    std::error_code failed;
    std::filesystem::remove_all(it->path(), failed);
    if (failed) code = failed;
  }
  const std::scoped_lock lock(mutex_);
  if (!code && empty_.size() < kMostKept)
    empty_.push_back(folder);
  else
    std::filesystem::remove_all(folder, code);
}

}  // namespace millrace::runtime
