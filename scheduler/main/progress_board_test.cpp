#include "scheduler/main/progress_board.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace millrace::scheduler {
namespace {

RunId run_of(std::uint64_t number) { return RunId(RawId{1, number}); }
WorkerId worker_of(std::uint64_t number) { return WorkerId(RawId{2, number}); }
AttemptRef attempt_of(std::uint64_t run, std::uint32_t task, std::uint64_t epoch) {
  return {run_of(run), TaskIndex(task), AttemptNumber(1), Epoch(epoch)};
}
AttemptProgress at(const AttemptRef& attempt, std::int64_t rows) {
  return {
      .attempt = attempt, .usage = {}, .fraction = -1, .rows = rows, .bytes = {}, .started = true};
}

class ProgressBoardTest : public ::testing::Test {
 protected:
  std::vector<std::int64_t> rows(std::uint64_t run) const {
    std::vector<std::int64_t> rows;
    for (const api::AttemptProgress& one : board_.progress(run_of(run))) rows.push_back(one.rows);
    return rows;
  }
  ProgressBoard board_;
};

using Rows = std::vector<std::int64_t>;

TEST_F(ProgressBoardTest, shows_the_latest_of_a_run_by_task) {
  board_.report(worker_of(1), {at(attempt_of(1, 1, 7), 10), at(attempt_of(2, 0, 8), 20)});
  board_.report(worker_of(2), {at(attempt_of(1, 0, 9), 30)});
  board_.report(worker_of(1), {at(attempt_of(1, 1, 7), 11), at(attempt_of(2, 0, 8), 20)});
  EXPECT_EQ(rows(1), (Rows{30, 11}));
  EXPECT_EQ(rows(2), (Rows{20}));
}

TEST_F(ProgressBoardTest, a_heartbeat_that_comes_after_the_end_is_gone_with_the_next) {
  board_.report(worker_of(1), {at(attempt_of(1, 0, 7), 10)});
  board_.ended(attempt_of(1, 0, 7));
  EXPECT_EQ(rows(1), Rows{});
  board_.report(worker_of(1), {at(attempt_of(1, 0, 7), 10)});  // was under way
  board_.report(worker_of(1), {});
  EXPECT_EQ(rows(1), Rows{});
}

TEST_F(ProgressBoardTest, a_worker_that_left_holds_nothing) {
  board_.report(worker_of(1), {at(attempt_of(1, 0, 7), 10)});
  board_.report(worker_of(2), {at(attempt_of(1, 1, 8), 20)});
  board_.left(worker_of(1));
  EXPECT_EQ(rows(1), (Rows{20}));
}

TEST_F(ProgressBoardTest, an_attempt_that_was_overtaken_takes_nothing_away) {
  board_.report(worker_of(1), {at(attempt_of(1, 0, 7), 10)});
  board_.report(worker_of(2), {at(attempt_of(1, 0, 8), 1)});
  board_.report(worker_of(1), {at(attempt_of(1, 0, 7), 12)});
  EXPECT_EQ(rows(1), (Rows{1}));
  board_.report(worker_of(1), {});
  board_.left(worker_of(1));
  board_.ended(attempt_of(1, 0, 7));
  EXPECT_EQ(rows(1), (Rows{1}));
}

}  // namespace
}  // namespace millrace::scheduler
