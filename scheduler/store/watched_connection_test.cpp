#include "scheduler/store/watched_connection.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <pqxx/pqxx>
#include <string>

#include "tests/support/postgres_fixture.h"

namespace millrace::scheduler {
namespace {

TEST(WatchedConnection, one_that_was_closed_is_gone_from_the_server_too) {
  const std::string database = testing_support::fresh_database();
  pqxx::connection looker(database);
  const auto others = [&looker] {
    return pqxx::nontransaction(looker)
        .exec1(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()")[0]
        .as<int>();
  };
  for (int i = 0; i < 5; ++i) {
    WatchedConnection connection(database);
    EXPECT_TRUE(connection.get().is_open());
    if (i % 2 == 0) connection.close();
    EXPECT_EQ(connection.open(), i % 2 == 1);
  }
  // The server looks after its processes in its own time; the test's limit ends a wait in vain.
  while (others() > 0) ::usleep(1000);
}

}  // namespace
}  // namespace millrace::scheduler
