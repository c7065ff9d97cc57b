#include "workers/runtime/memory_groups.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <ranges>
#include <sstream>
#include <thread>
#include <utility>

#include "base/contents.h"
#include "lib/process/owned_fd.h"

namespace millrace::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "millrace-";

std::vector<std::string> words_of(std::string_view line, char between) {
  std::vector<std::string> words;
  for (const auto word : std::views::split(line, between))
    words.emplace_back(word.begin(), word.end());
  return words;
}

bool has_word(std::string_view list, char between, std::string_view wanted) {
  while (!list.empty() && list.back() == '\n') list.remove_suffix(1);
  for (const auto word : std::views::split(list, between))
    if (std::string_view(word.begin(), word.end()) == wanted) return true;
  return false;
}

// To a file of the kernel's, in one call as it wants it: 0 or an errno.
int write_to(const fs::path& path, const std::string& text) {
  const process::OwnedFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  return ::write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

Error no_cgroup(const std::string& what, int number) {
  return Error{ErrorClass::kInfrastructure, "memory.no_cgroup",
               what + (number == 0 ? "" : std::string(": ") + std::strerror(number))};
}

Status written(const fs::path& path, const std::string& text) {
  if (const int number = write_to(path, text); number != 0)
    return no_cgroup("cannot write \"" + text + "\" to \"" + path.string() + "\"", number);
  return ok_status();
}

Status made(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    return no_cgroup("cannot make \"" + folder.string() + "\"", errno);
  return ok_status();
}

// The path of this process's group, in the hierarchy of v1 that has memory or in that of v2.
std::optional<std::string> group_of(std::string_view cgroup, int version) {
  for (const auto& line : words_of(cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version == 1 ? has_word(controllers, ',', "memory") : line.starts_with("0::"))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

// A process that left its command's group and outlived runner and worker is in their control group
// all the same. Those of another pid namespace are not told here, and left alone.
void end_processes_of(const fs::path& group) {
  constexpr int kMostLooks = 100;  // each ends all that it sees; one that forks is seen by the next
  for (int look = 0; look < kMostLooks; ++look) {
    bool alive = false;
    std::istringstream processes(contents_of_file(group / "cgroup.procs"));
    for (pid_t pid = 0; processes >> pid;) {
      if (pid <= 0 || pid == ::getpid()) continue;
      alive = true;
      ::kill(pid, SIGKILL);
    }
    if (!alive) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Groups of workers that were killed, also of one that had this process's number.
void remove_abandoned(const fs::path& place) {
  std::error_code code;
  for (fs::directory_iterator it(place, code), end; !code && it != end; it.increment(code)) {
    const std::string name = it->path().filename().string();
    pid_t pid = 0;
    if (!name.starts_with(kPrefix)) continue;
    const char* const last = name.data() + name.size();
    if (std::from_chars(name.data() + kPrefix.size(), last, pid).ptr != last || pid <= 0) continue;
    if (pid != ::getpid() && (::kill(pid, 0) == 0 || errno != ESRCH)) continue;
    std::error_code inner;
    for (fs::directory_iterator group(it->path(), inner), none; !inner && group != none;
         group.increment(inner))
      if (group->is_directory(inner)) {
        end_processes_of(group->path());
        ::rmdir(group->path().c_str());
      }
    ::rmdir(it->path().c_str());
  }
}

// v2: children get the memory controller from groups that hold no process themselves.
Status hand_memory_down(const fs::path& place, const fs::path& folder) {
  if (!has_word(contents_of_file(place / "cgroup.controllers"), ' ', "memory"))
    return no_cgroup("memory is not handed down to \"" + place.string() + "\"", 0);
  if (!has_word(contents_of_file(place / "cgroup.subtree_control"), ' ', "memory")) {
    if (contents_of_file(place / "cgroup.procs") != std::to_string(::getpid()) + "\n")
      return no_cgroup("other processes share \"" + place.string() + "\"", 0);
    const fs::path own = folder / "worker";
    MILLRACE_RETURN_IF_ERROR(made(own));
    MILLRACE_RETURN_IF_ERROR(written(own / "cgroup.procs", std::to_string(::getpid())));
    MILLRACE_RETURN_IF_ERROR(written(place / "cgroup.subtree_control", "+memory"));
  }
  return written(folder / "cgroup.subtree_control", "+memory");
}

}  // namespace

std::optional<CgroupPlace> memory_cgroup(std::string_view mountinfo, std::string_view cgroup) {
  std::optional<CgroupPlace> found;
  for (const auto& line : words_of(mountinfo, '\n')) {
    // id parent device root mount-point options [fields…] - type source super-options
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> mount = words_of(std::string_view(line).substr(0, dash), ' ');
    const std::vector<std::string> kind = words_of(std::string_view(line).substr(dash + 3), ' ');
    if (mount.size() < 5 || kind.size() < 3) continue;
    const int version = kind[0] == "cgroup2" ? 2 : 1;
    if (version == 1 && (kind[0] != "cgroup" || !has_word(kind[2], ',', "memory"))) continue;
    const std::optional<std::string> group = group_of(cgroup, version);
    if (!group) continue;
    // A container sees a part of the hierarchy, from `root` on.
    const std::string& root = mount[3];
    std::string below = *group;
    if (root != "/") {
      if (!below.starts_with(root)) continue;
      below.erase(0, root.size());
    }
    if (below.starts_with("/..")) continue;
    CgroupPlace place{version, (mount[4] + below)};
    if (place.folder.native().ends_with('/')) place.folder = place.folder.parent_path();
    // Memory is accounted for in one hierarchy: where v1 has it, v2 does not.
    if (!found || version == 1) found = std::move(place);
  }
  return found;
}

std::optional<CgroupPlace> own_memory_cgroup() {
  return memory_cgroup(contents_of_file("/proc/self/mountinfo"),
                       contents_of_file("/proc/self/cgroup"));
}

Status MemoryGroup::take(pid_t pid) const {
  return written(folder_ / "cgroup.procs", std::to_string(pid));
}

Status MemoryGroup::limit(Bytes bytes) {
  if (bytes == limit_) return ok_status();
  const bool none = bytes <= Bytes(0);
  MILLRACE_RETURN_IF_ERROR(
      version_ == 2 ? written(folder_ / "memory.max", none ? "max" : std::to_string(bytes.value()))
                    : written(folder_ / "memory.limit_in_bytes",
                              none ? "-1" : std::to_string(bytes.value())));
  limit_ = bytes;
  return ok_status();
}

std::uint64_t MemoryGroup::kills() const {
  std::istringstream lines(
      contents_of_file(folder_ / (version_ == 2 ? "memory.events" : "memory.oom_control")));
  std::string name;
  for (std::uint64_t count = 0; lines >> name >> count;)
    if (name == "oom_kill") return count;
  return 0;
}

Result<MemoryGroups> MemoryGroups::open(const std::optional<CgroupPlace>& place) {
  if (!place) return no_cgroup("no control groups of memory are mounted", 0);
  remove_abandoned(place->folder);
  MemoryGroups groups(place->version,
                      place->folder / (std::string(kPrefix) + std::to_string(::getpid())));
  MILLRACE_RETURN_IF_ERROR(made(groups.folder_));
  if (place->version == 2)
    MILLRACE_RETURN_IF_ERROR(hand_memory_down(place->folder, groups.folder_));
  // The proof: a group that takes a limit.
  MILLRACE_TRY(trial, groups.make("trial"));
  const Status limited = trial.limit(mebibytes(1024));
  groups.give_back(trial);
  if (!limited.ok()) return limited.error();
  return groups;
}

MemoryGroups::~MemoryGroups() {
  if (folder_.empty()) return;  // moved from
  for (const fs::path& folder : emptying_) ::rmdir(folder.c_str());
  ::rmdir(folder_.c_str());  // not under v2, where this process is within; the next worker does
}

Result<MemoryGroup> MemoryGroups::make(const std::string& name) {
  MemoryGroup group(version_, folder_ / name);
  MILLRACE_RETURN_IF_ERROR(made(folder_));
  MILLRACE_RETURN_IF_ERROR(made(group.folder()));
  if (version_ == 2) {
    // All of an attempt ends, not what the kernel picks; and nothing evades the limit into swap.
    // Where a kernel knows neither, the limit holds all the same.
    write_to(group.folder() / "memory.oom.group", "1");
    write_to(group.folder() / "memory.swap.max", "0");
  }
  return group;
}

void MemoryGroups::give_back(const MemoryGroup& group) {
  emptying_.push_back(group.folder());
  std::erase_if(emptying_, [](const fs::path& folder) {
    return ::rmdir(folder.c_str()) == 0 || errno == ENOENT;
  });
}

}  // namespace millrace::runtime
