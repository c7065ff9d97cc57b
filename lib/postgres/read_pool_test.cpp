#include "lib/postgres/read_pool.h"

#include <gtest/gtest.h>

#include <future>
#include <pqxx/pqxx>
#include <set>
#include <vector>

#include "tests/support/postgres_fixture.h"

namespace millrace::postgres {
namespace {

Result<std::string> ask(ReadPool& pool, const std::string& sql) {
  std::string answer;
  MILLRACE_RETURN_IF_ERROR(pool.read([&](Transaction& transaction) {
    answer = transaction.work.exec1(sql)[0].as<std::string>();
    return ok_status();
  }));
  return answer;
}

TEST(ReadPool, reads_of_many_threads_share_few_connections) {
  ReadPool pool(testing_support::fresh_database(), 2);
  std::vector<std::future<std::string>> backends;
  backends.reserve(20);
  for (int i = 0; i < 20; ++i) {
    backends.push_back(std::async(std::launch::async,
                                  [&] { return ask(pool, "SELECT pg_backend_pid()").value(); }));
  }
  std::set<std::string> seen;
  for (std::future<std::string>& backend : backends) seen.insert(backend.get());
  EXPECT_LE(seen.size(), 2U);
}

TEST(ReadPool, nothing_is_written) {
  ReadPool pool(testing_support::fresh_database(), 1);
  const auto refused = ask(pool, "SELECT set_config('a.b', 'c', false) FROM nextval('nothing')");
  EXPECT_EQ(refused.error().code, "postgres.refused");
  EXPECT_EQ(pool.read([](Transaction& transaction) {
                  transaction.work.exec0("CREATE TABLE t ()");
                  return ok_status();
                })
                .error()
                .code,
            "postgres.unavailable")
      << "25006 is also what a standby says before it is promoted";
}

TEST(ReadPool, a_connection_that_was_closed_is_opened_again) {
  const std::string database = testing_support::fresh_database();
  ReadPool pool(database, 1);
  const std::string backend = ask(pool, "SELECT pg_backend_pid()").value();
  pqxx::connection other(database);
  pqxx::nontransaction(other).exec1("SELECT pg_terminate_backend(" + backend + ", 5000)");
  const auto answer = ask(pool, "SELECT 'here'");
  ASSERT_TRUE(answer.ok()) << answer.error().to_text();
  EXPECT_EQ(*answer, "here");
}

TEST(ReadPool, no_server_is_an_error_and_leaves_the_place_free) {
  ReadPool pool("host=/nowhere", 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(pool, "SELECT 1").error().code, "postgres.unavailable");
}

TEST(ReadPool, what_the_server_could_not_be_reached_for_is_one_line) {
  ReadPool pool("host=/nowhere", 1);
  const Error error = ask(pool, "SELECT 1").error();
  EXPECT_NE(error.message.find("No such file or directory"), std::string::npos) << error.message;
  // libpq asks back on a line of its own, which begins with a tab.
  EXPECT_EQ(error.message.find_first_of("\t\n\r?"), std::string::npos) << error.message;
  EXPECT_EQ(error.message.find("  "), std::string::npos) << error.message;
}

TEST(ReadPool, timeouts_give_way_to_what_is_said) {
  EXPECT_EQ(with_timeouts("host=a connect_timeout=9").ends_with("host=a connect_timeout=9"), true);
  EXPECT_EQ(with_timeouts("postgresql://h/d?x=1")
                .starts_with("postgresql://h/d?application_name=millrace&"),
            true);
  EXPECT_EQ(with_timeouts("postgresql://h/d?x=1").ends_with("&x=1"), true);
  EXPECT_EQ(with_timeouts("postgres://h/d").starts_with("postgres://h/d?"), true);
}

}  // namespace
}  // namespace millrace::postgres
