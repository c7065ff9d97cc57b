#include "scheduler/simulation/fault_counts.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::simulation {
namespace {

FaultCounts each_happened(std::uint64_t commits) {
  FaultCounts counts;
  for (const FaultKind& kind : fault_kinds()) counts.*kind.count = 1;
  counts.commits = commits;
  return counts;
}

TEST(FaultCounts, without_gaps_when_each_fault_that_is_set_happened) {
  EXPECT_TRUE(each_happened(100).gaps(Faults{}).empty());
  EXPECT_TRUE(FaultCounts{}.gaps(Faults::none()).empty());
}

TEST(FaultCounts, tell_each_fault_that_never_happened) {
  for (const FaultKind& kind : fault_kinds()) {
    FaultCounts counts = each_happened(10);
    counts.*kind.count = 0;
    const auto gaps = counts.gaps(Faults{});
    ASSERT_EQ(gaps.size(), 1U) << kind.name;
    EXPECT_EQ(gaps.front(), std::string(kind.name) + ": never, though the rate is set");
  }
}

TEST(FaultCounts, tell_each_fault_that_was_not_to_happen) {
  for (const FaultKind& kind : fault_kinds()) {
    FaultCounts counts;
    counts.*kind.count = 2;
    const auto gaps = counts.gaps(Faults::none());
    ASSERT_EQ(gaps.size(), 1U) << kind.name;
    EXPECT_EQ(gaps.front(), std::string(kind.name) + ": 2 times, though the rate is not set");
  }
}

TEST(FaultCounts, want_one_commit_in_a_hundred_unheard) {
  const auto gaps = each_happened(201).gaps(Faults{});  // 2 of 201
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps.front(), "commits unanswered or failed: less than 1 % of 201");
  EXPECT_DOUBLE_EQ(unheard_commits(each_happened(200)), 0.01);
}

TEST(FaultCounts, add_up) {
  FaultCounts sum = each_happened(5);
  sum.messages = 3;
  sum += sum;
  EXPECT_EQ(sum.messages, 6U);
  EXPECT_EQ(sum.commits, 10U);
  EXPECT_TRUE(std::ranges::all_of(fault_kinds(),
                                  [&](const FaultKind& kind) { return sum.*kind.count == 2; }));
}

}  // namespace
}  // namespace millrace::simulation
