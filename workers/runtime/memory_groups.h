// MemoryGroups: the kernel's own ceiling on the memory of a runner and its command, where this
// worker may make control groups: of cgroup v2 that was delegated to it, or of v1. Elsewhere the
// watchdog is alone (worker_watch.cpp), which looks ten times a second and so lets a quick attempt
// go further.
//
// A group is a runner's for its whole life; an attempt with the grant of the one before costs
// nothing. The ceiling is looser than the watchdog's by what the runner itself needs, so the
// watchdog, which can say more, comes first where it is quick enough.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace millrace::runtime {

struct CgroupPlace {
  int version = 2;
  std::filesystem::path folder;  // of the group that this process is in

  friend bool operator==(const CgroupPlace&, const CgroupPlace&) = default;
};

// Where memory is accounted for, out of /proc/self/mountinfo and /proc/self/cgroup. Nothing where
// no control groups are mounted, or not those that this process is in.
std::optional<CgroupPlace> memory_cgroup(std::string_view mountinfo, std::string_view cgroup);
std::optional<CgroupPlace> own_memory_cgroup();

class MemoryGroup {
 public:
  MemoryGroup(int version, std::filesystem::path folder)
      : version_(version), folder_(std::move(folder)) {}

  // Moves the process, its future children and what they will hold.
  Status take(pid_t pid) const;
  // Bytes(0): none. Costs nothing when it is the limit already.
  Status limit(Bytes bytes);
  // How many processes the kernel has ended for want of memory here.
  std::uint64_t kills() const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  int version_;
  std::filesystem::path folder_;
  Bytes limit_;
};

// Not thread-safe. Groups are to be given back before it goes.
class MemoryGroups {
 public:
  // Makes a folder of groups, named after this process, and removes those of processes that are
  // gone, with all that still runs in them. Under v2 this process moves into a group of its own
  // within it, where it is alone in its former one: the kernel wants it so. Error:
  // memory.no_cgroup, which says what is missing.
  static Result<MemoryGroups> open(const std::optional<CgroupPlace>& place);
  MemoryGroups(MemoryGroups&&) = default;
  MemoryGroups& operator=(MemoryGroups&&) = default;
  ~MemoryGroups();

  Result<MemoryGroup> make(const std::string& name);
  // Once its processes have been waited for.
  void give_back(const MemoryGroup& group);

 private:
  MemoryGroups(int version, std::filesystem::path folder)
      : version_(version), folder_(std::move(folder)) {}

  int version_;
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> emptying_;  // with processes that are still on their way out
};

}  // namespace millrace::runtime
