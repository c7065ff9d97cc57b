#include "scheduler/store/watched_connection.h"

#include <gtest/gtest.h>
#include <sys/types.h>

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "tests/support/postgres_fixture.h"

namespace millrace::scheduler {
namespace {

TEST(WatchedConnection, one_that_was_closed_is_gone_from_the_server_too) {
  const std::string database = testing_support::fresh_database();
  std::vector<pid_t> backends;
  for (int i = 0; i < 5; ++i) {
    WatchedConnection connection(database);
    backends.push_back(
        pqxx::nontransaction(connection.get()).exec1("SELECT pg_backend_pid()")[0].as<pid_t>());
    if (i % 2 == 0) connection.close();
    EXPECT_EQ(connection.open(), i % 2 == 1);
  }
  for (const pid_t backend : backends) ASSERT_TRUE(testing_support::backend_ends(backend));
}

}  // namespace
}  // namespace millrace::scheduler
