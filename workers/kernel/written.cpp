#include "workers/kernel/written.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file_error.h"
#include "lib/process/owned_fd.h"

namespace millrace::kernel {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kSyncedTogether = 8;

std::string hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; value >>= 4) text[i] = kDigits[value & 0xF];
  return text;
}

}  // namespace

Result<std::string> checksum_of_file(const std::string& path) {
  const process::OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return file_error("opening", path, errno);
  const std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> state(XXH64_createState(),
                                                                         &XXH64_freeState);
  XXH64_reset(state.get(), 0);
  const auto buffer = std::make_unique_for_overwrite<char[]>(kReadBytes);
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.get(), kReadBytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error("reading", path, errno);
    if (count == 0) break;
    XXH64_update(state.get(), buffer.get(), static_cast<std::size_t>(count));
  }
  return "xxh64:" + hex(XXH64_digest(state.get()));
}

Status sync_path(const std::string& path) {
  const process::OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return file_error("opening", path, errno);
  if (::fsync(file.get()) != 0) return file_error("writing", path, errno);
  return ok_status();
}

Result<std::vector<std::string>> make_folder(const std::string& folder) {
  std::vector<std::string> changed{folder};
  std::vector<std::filesystem::path> missing;
  std::error_code error;
  for (std::filesystem::path path(folder);
       !std::filesystem::is_directory(path, error) && path != path.parent_path();
       path = path.parent_path())
    missing.push_back(path);
  for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
    if (::mkdir(path->c_str(), 0777) != 0 && errno != EEXIST)
      return file_error("making", path->string(), errno);
    changed.push_back(path->parent_path().string());
  }
  return changed;
}

Status sync_paths(const std::vector<std::string>& paths) {
  std::vector<Status> synced(paths.size(), ok_status());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < paths.size(); i = next++) synced[i] = sync_path(paths[i]);
  };
  {
    std::vector<std::jthread> others;
    try {
      while (others.size() + 1 < std::min(paths.size(), kSyncedTogether)) others.emplace_back(work);
    } catch (const std::system_error&) {
      // There may be no more threads: then these do it.
    }
    work();
  }
  for (Status& status : synced) MILLRACE_RETURN_IF_ERROR(std::move(status));
  return ok_status();
}

}  // namespace millrace::kernel
