// Session: how it ends when the engine interrupts a statement by itself, as when one of its threads
// fails and another tells of it first. Which does so is a matter of moments, so the tests interrupt
// it themselves.
#include "workers/kernel/duckdb/session.h"

#include <gtest/gtest.h>

#include <memory>
#include <stop_token>
#include <string>

#include "workers/kernel/duckdb/result_table.h"
#include "workers/kernel/query_engine.h"

namespace millrace::kernel {
namespace {

// Large enough that rows are still to come when the first are there.
constexpr const char* kMany = "SELECT range AS a FROM range(100000000)";
constexpr const char* kFails = "SELECT error('at the last') AS a FROM range(3)";

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() : session_(*Session::open()) {}

  Prepared prepared(const std::string& sql) { return *session_->prepare(sql, Author::kUsers); }

  // The rows of kMany, which end by an interrupt.
  void begin(ResultSet& rows, const Prepared& many) {
    const Status begun = session_->execute(many, true, stop_.get_token(), rows, Author::kUsers, {});
    ASSERT_TRUE(begun.ok()) << begun.error().to_text();
    session_->interrupt();
  }

  static Error error_of(ResultSet& rows, const std::stop_token& stop) {
    for (;;) {
      Result<Chunk> chunk = fetch_rows(rows, Author::kUsers, stop);
      if (!chunk.ok()) return chunk.error();
      if (chunk->get() == nullptr) return Error{ErrorClass::kUser, "none", "it came to its end"};
    }
  }

  std::unique_ptr<Session> session_;
  std::stop_source stop_;
};

TEST_F(SessionTest, an_interrupt_is_a_stop_only_if_one_was_asked_for) {
  const Prepared many = prepared(kMany);
  ResultSet unasked;
  begin(unasked, many);
  const Error error = error_of(unasked, stop_.get_token());
  EXPECT_EQ(error.code, "engine.interrupted") << error.to_text();
  EXPECT_EQ(error.error_class, ErrorClass::kTransient);
  session_->abandon();
  ResultSet asked;
  begin(asked, many);
  stop_.request_stop();
  EXPECT_EQ(error_of(asked, stop_.get_token()).code, "task.cancelled");
}

TEST_F(SessionTest, the_reason_of_an_interrupt_is_the_statements_own_error) {
  const Error error =
      session_->why_interrupted(prepared(kFails), stop_.get_token(), Author::kUsers);
  EXPECT_EQ(error.code, "query.failed");
  EXPECT_EQ(error.message, "at the last");
  EXPECT_EQ(session_->why_interrupted(prepared("SELECT 1"), stop_.get_token(), Author::kUsers).code,
            "engine.interrupted");
  stop_.request_stop();
  EXPECT_EQ(session_->why_interrupted(prepared(kMany), stop_.get_token(), Author::kUsers).code,
            "task.cancelled");
}

TEST_F(SessionTest, a_table_of_rows_that_were_interrupted_tells_the_reason) {
  const Prepared many = prepared(kMany);
  const Prepared fails = prepared(kFails);
  ResultSet rows;
  Activity activity;
  const Watch watch{stop_.get_token(), activity};
  begin(rows, many);
  ResultTable table(
      rows, [&] { return session_->why_interrupted(fails, watch.stop, Author::kUsers); }, false,
      std::nullopt, watch);
  const auto reader = *Session::open();
  ASSERT_TRUE(table.register_in(*reader, "interrupted").ok());
  EXPECT_FALSE(reader->run("SELECT count(*) FROM interrupted()").ok());
  ASSERT_TRUE(table.error().has_value());
  EXPECT_EQ(table.error()->code, "query.failed") << table.error()->to_text();
}

}  // namespace
}  // namespace millrace::kernel
