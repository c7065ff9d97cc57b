// The sweeper's patience: what was found free stays for two leases, by the sweeper's own clock. A
// process that was stopped together with its machine learns late that its lease has passed, and
// reads and writes until then.
#include "scheduler/engine/sweeper.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "scheduler/simulation/memory_folder.h"

namespace millrace::simulation {
namespace {

using namespace scheduler;  // NOLINT(google-build-using-namespace): a test over the core's types

class Marks final : public SweepCatalog {
 public:
  std::map<std::int64_t, std::string> files;

  Result<ReplacedPage> replaced(WallTime, std::uint32_t, const std::optional<ReplacedCursor>&,
                                std::size_t) override {
    return ReplacedPage{};
  }
  Result<std::int64_t> newest_mark() override { return files.empty() ? 0 : files.rbegin()->first; }
  Result<std::vector<MarkedFile>> marked(std::int64_t after, std::int64_t last,
                                         std::size_t limit) override {
    std::vector<MarkedFile> found;
    for (const auto& [mark, path] : files)
      if (mark > after && mark <= last && found.size() < limit) found.push_back({mark, path});
    return found;
  }
  Status forget(const std::vector<std::int64_t>& marks) override {
    for (const std::int64_t mark : marks) files.erase(mark);
    return ok_status();
  }
  Result<std::set<AttemptPrefix>> referenced(const std::vector<AttemptPrefix>&) override {
    return std::set<AttemptPrefix>{};
  }
  Result<WallTime> installed() override { return WallTime(0); }
};

class EverythingIsOver final : public SweepEngine {
 public:
  Status ask(SweepSnapshots) override { return ok_status(); }
  Result<std::vector<AttemptFate>> fates(const std::vector<AttemptPrefix>& prefixes) override {
    return std::vector<AttemptFate>(prefixes.size(), AttemptFate{true, true});
  }
};

class SweeperTest : public ::testing::Test {
 protected:
  SweeperTest() {
    left_.ns = "default";
    left_.run = RunId(RawId{7, 7});
    left_.epoch = Epoch(3);
    folder_.write(left_, left_.path() + "/orders");
  }
  void round_at(Micros after) {
    ASSERT_FALSE(sweeper_.round({WallTime(1'000'000) + after, Monotonic(1'000'000) + after})
                     .trouble.has_value());
  }

  Settings settings_;
  Marks marks_;
  EverythingIsOver engine_;
  MemoryFolder folder_;
  AttemptPrefix left_;
  Sweeper sweeper_{settings_, Sweeper::Ports{engine_, marks_, folder_}};
};

TEST_F(SweeperTest, what_an_attempt_left_stays_for_two_leases) {
  const Micros grace = settings_.lease * 2;
  round_at(Micros(0));
  round_at(grace - Micros(1));
  EXPECT_EQ(folder_.files().size(), 1U) << "deleted while its runner may still write";
  round_at(grace);
  EXPECT_TRUE(folder_.files().empty());
}

TEST_F(SweeperTest, a_marked_file_stays_for_two_leases_since_its_mark_was_seen) {
  const Micros grace = settings_.lease * 2;
  marks_.files[1] = left_.path() + "/orders";
  round_at(Micros(0));
  marks_.files[2] = "default/later";
  round_at(grace - Micros(1));
  EXPECT_EQ(marks_.files.size(), 2U) << "deleted while a runner may still read it";
  round_at(grace);
  EXPECT_EQ(marks_.files.size(), 1U) << "the later one has its own two leases";
  EXPECT_EQ(marks_.files.count(2), 1U);
}

}  // namespace
}  // namespace millrace::simulation
