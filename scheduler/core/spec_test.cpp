#include "scheduler/core/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace millrace::scheduler {
namespace {

// Tasks t0, t1, …, each with what it needs.
WorkflowSpec spec_of(const std::vector<std::vector<std::uint32_t>>& needs) {
  WorkflowSpec spec;
  for (const auto& of_task : needs) {
    TaskSpec task;
    task.name = "t" + std::to_string(spec.tasks.size());
    for (const std::uint32_t need : of_task) task.needs.emplace_back(need);
    spec.tasks.push_back(std::move(task));
  }
  return spec;
}

std::string finish(WorkflowSpec spec) {
  const Status finished = spec.finish();
  return finished.ok() ? "" : finished.error().code + ": " + finished.error().message;
}

TEST(Spec, refuses_circles_and_needs_that_are_not_there) {
  const std::string circle = "spec.invalid: the tasks wait for each other in a circle";
  const std::string missing = "spec.invalid: task \"t1\" needs a task that is not there";
  const std::vector<std::pair<std::vector<std::vector<std::uint32_t>>, std::string>> rows{
      {{}, ""},
      {{{}}, ""},
      {{{1}, {}}, ""},  // the order of the tasks is not the order of their edges
      {{{}, {0}, {0, 1}}, ""},
      {{{0}}, circle},
      {{{1}, {0}}, circle},
      {{{}, {0, 3}, {1}, {2}}, circle},
      {{{}, {2}}, missing},
      {{{}, {4'000'000'000}}, missing},
  };
  for (const auto& [needs, expected] : rows)
    EXPECT_EQ(finish(spec_of(needs)), expected) << ::testing::PrintToString(needs);
}

TEST(Spec, derives_dependents_and_what_is_read_from_outside) {
  WorkflowSpec spec = spec_of({{}, {0, 0}, {1, 0, 1}});
  spec.tasks[0].reads = {"orders", "customers"};
  spec.tasks[1].writes = {{"orders", WriteMode::kOverwrite, OnConflict::kRetry}};
  spec.tasks[2].reads = {"orders"};
  ASSERT_TRUE(spec.finish().ok());
  EXPECT_EQ(spec.tasks[2].needs, (std::vector{TaskIndex(0), TaskIndex(1)}));
  EXPECT_THAT(spec.dependents[0], ::testing::ElementsAre(TaskIndex(1), TaskIndex(2)));
  EXPECT_THAT(spec.dependents[1], ::testing::ElementsAre(TaskIndex(2)));
  EXPECT_THAT(spec.dependents[2], ::testing::IsEmpty());
  // "orders" too: t0 reads what was there before t1 wrote.
  EXPECT_EQ(spec.external_reads, (std::vector<std::string>{"customers", "orders"}));
}

TEST(Spec, finishing_twice_is_once) {
  WorkflowSpec once = spec_of({{}, {0}, {0, 1}});
  ASSERT_TRUE(once.finish().ok());
  WorkflowSpec twice = once;
  ASSERT_TRUE(twice.finish().ok());
  EXPECT_EQ(once, twice);
}

TEST(Spec, any_graph_without_a_way_back_is_taken_and_none_with_one) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::size_t count = 2 + random() % 30;
    std::vector<std::uint32_t> order(count);  // a task needs only those before it, in this order
    for (std::uint32_t i = 0; i < count; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    std::vector<std::vector<std::uint32_t>> needs(count);
    for (std::size_t later = 1; later < count; ++later)
      for (std::size_t edges = random() % 3 + 1; edges > 0; --edges)
        needs[order[later]].push_back(order[random() % later]);
    ASSERT_EQ(finish(spec_of(needs)), "") << "seed " << seed;
    // The way back: some task, and one that needs it.
    const std::uint32_t last = order[1 + random() % (count - 1)];
    needs[needs[last].front()].push_back(last);
    ASSERT_NE(finish(spec_of(needs)), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace millrace::scheduler
