// Which control groups a worker may use, and that a group holds.
#include "workers/runtime/memory_groups.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace millrace::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnified =
    "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr std::string_view kHybrid =
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
constexpr std::string_view kContainer =
    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";

TEST(MemoryCgroup, is_where_memory_is_accounted_for) {
  struct Row {
    std::string_view mountinfo;
    std::string_view cgroup;
    std::optional<CgroupPlace> expected;
  };
  const Row rows[] = {
      {kUnified, "0::/user.slice/a.service\n", {{2, "/sys/fs/cgroup/user.slice/a.service"}}},
      {kUnified, "0::/\n", {{2, "/sys/fs/cgroup"}}},
      {kHybrid,
       "4:memory:/pods/b\n3:cpu,cpuacct:/\n0::/x\n",
       {{1, "/sys/fs/cgroup/memory/pods/b"}}},
      {kHybrid, "0::/x\n4:memory:/\n", {{1, "/sys/fs/cgroup/memory"}}},
      {kContainer, "4:memory:/docker/abc\n", {{1, "/sys/fs/cgroup/memory"}}},
      {kContainer, "4:memory:/docker/abc/w\n", {{1, "/sys/fs/cgroup/memory/w"}}},
      {kContainer, "4:memory:/elsewhere\n", std::nullopt},
      {kUnified, "0::/../sibling\n", std::nullopt},  // outside of the namespace
      {kUnified, "4:memory:/x\n", std::nullopt},
      {"23 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "0::/\n", std::nullopt},
      {"", "", std::nullopt},
      {"nonsense - \n - - -\n", "::\n:\n", std::nullopt},
  };
  for (const Row& row : rows)
    EXPECT_EQ(memory_cgroup(row.mountinfo, row.cgroup), row.expected)
        << row.mountinfo << row.cgroup;
}

class Unified : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "cgroup.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    place_ = {2, pattern};
  }
  void TearDown() override { fs::remove_all(place_.folder); }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(place_.folder / name) << text;
  }
  std::string why_not() const {
    const Result<MemoryGroups> groups = MemoryGroups::open(place_);
    if (groups.ok()) return "";
    EXPECT_EQ(groups.error().code, "memory.no_cgroup");
    return groups.error().message;
  }

  CgroupPlace place_;
};

TEST_F(Unified, groups_are_not_made_where_the_kernel_or_others_would_not_have_it) {
  put("cgroup.controllers", "cpu io pids\n");
  EXPECT_NE(why_not().find("memory is not handed down"), std::string::npos) << why_not();
  put("cgroup.controllers", "cpu memory pids\n");
  put("cgroup.subtree_control", "\n");
  put("cgroup.procs", "1\n" + std::to_string(::getpid()) + "\n");
  EXPECT_NE(why_not().find("other processes share"), std::string::npos) << why_not();
  EXPECT_TRUE(fs::exists(place_.folder / "cgroup.procs"));
  EXPECT_FALSE(fs::exists(place_.folder / ("millrace-" + std::to_string(::getpid()))))
      << "nothing is left";
  place_.folder = "/nowhere";
  EXPECT_NE(why_not().find("cannot make"), std::string::npos) << why_not();
}

// A child that has ended and was waited for, so that its number is nobody's; and one that sleeps.
pid_t child_that(bool sleeps) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (sleeps) ::pause();
    ::_exit(0);
  }
  if (!sleeps) ::waitpid(child, nullptr, 0);
  return child;
}

// The signal that ended it: SIGTERM when nobody has ended it before.
int ended_by(pid_t child) {
  int status = 0;
  ::kill(child, SIGTERM);
  ::waitpid(child, &status, 0);
  return WTERMSIG(status);
}

TEST_F(Unified, what_outlived_a_killed_worker_in_its_groups_is_ended) {
  // Also under this very number: a container's first process has the same each time.
  for (const pid_t worker : {child_that(false), ::getpid()}) {
    const std::string group = "millrace-" + std::to_string(worker) + "/runner-190";
    fs::create_directories(place_.folder / group);
    const pid_t left = child_that(true);
    put(group + "/cgroup.procs", std::to_string(left) + "\n");
    EXPECT_FALSE(MemoryGroups::open(place_).ok()) << "of a folder that is no control group";
    EXPECT_EQ(ended_by(left), SIGKILL);
  }
}

TEST_F(Unified, what_is_in_the_groups_of_a_worker_that_lives_is_left_alone) {
  const pid_t worker = child_that(true);
  const pid_t its = child_that(true);
  const std::string group = "millrace-" + std::to_string(worker) + "/runner-1";
  fs::create_directories(place_.folder / group);
  put(group + "/cgroup.procs", std::to_string(its) + "\n");
  EXPECT_FALSE(MemoryGroups::open(place_).ok());
  EXPECT_EQ(ended_by(its), SIGTERM);
  EXPECT_EQ(ended_by(worker), SIGTERM);
}

// How a child ends that uses so much, in the group.
int ends_with(const MemoryGroup& group, std::size_t mebibytes) {
  int go[2] = {};
  EXPECT_EQ(::pipe(go), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    if (::read(go[0], &byte, 1) != 1) ::_exit(2);
    const std::size_t size = mebibytes << 20;
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) ::_exit(3);
    std::memset(memory, 1, size);
    ::_exit(0);
  }
  const Status taken = group.take(child);
  EXPECT_TRUE(taken.ok()) << taken.error().to_text();
  EXPECT_EQ(::write(go[1], "x", 1), 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(go[0]);
  ::close(go[1]);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// Where this machine lets no groups be made, that is said instead.
TEST(MemoryGroup, ends_what_goes_beyond_its_limit_and_nothing_else) {
  Result<MemoryGroups> groups = MemoryGroups::open(own_memory_cgroup());
  if (!groups.ok()) {
    EXPECT_EQ(groups.error().code, "memory.no_cgroup");
    EXPECT_FALSE(groups.error().message.empty());
    return;
  }
  auto group = groups->make("runner-1");
  ASSERT_TRUE(group.ok()) << group.error().to_text();
  EXPECT_EQ(ends_with(*group, 100), 0) << "there is no limit yet";
  ASSERT_TRUE(group->limit(mebibytes(32)).ok());
  EXPECT_EQ(ends_with(*group, 8), 0);
  EXPECT_EQ(group->kills(), 0U);
  EXPECT_EQ(ends_with(*group, 100), -SIGKILL);
  EXPECT_EQ(group->kills(), 1U);
  ASSERT_TRUE(group->limit(mebibytes(200)).ok());
  EXPECT_EQ(ends_with(*group, 100), 0) << "another attempt's grant";
  ASSERT_TRUE(group->limit(Bytes(0)).ok());
  EXPECT_EQ(ends_with(*group, 300), 0);
  const fs::path folder = group->folder();
  groups->give_back(*group);
  EXPECT_FALSE(fs::exists(folder));
  {
    const MemoryGroups gone = std::move(groups).value();
  }
  EXPECT_FALSE(fs::exists(folder.parent_path())) << "nothing is left";
}

}  // namespace
}  // namespace millrace::runtime
