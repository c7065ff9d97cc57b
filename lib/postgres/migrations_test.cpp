#include "lib/postgres/migrations.h"

#include <gtest/gtest.h>

#include <future>
#include <pqxx/pqxx>
#include <vector>

#include "tests/support/postgres_fixture.h"

namespace millrace::postgres {
namespace {

const std::vector<Migration> kSteps = {
    {1, "0001_first", "CREATE TABLE shop.orders (n int); INSERT INTO shop.orders VALUES (1)"},
    {2, "0002_second", "ALTER TABLE shop.orders ADD COLUMN note text NOT NULL DEFAULT 'old'"},
    {3, "0003_third", "INSERT INTO shop.orders VALUES (3, 'new')"},
};

std::span<const Migration> first(std::size_t count) { return std::span(kSteps).first(count); }

std::string ask(const std::string& database, const std::string& sql) {
  pqxx::connection connection(database);
  pqxx::nontransaction work(connection);
  return work.exec1(sql)[0].as<std::string>();
}

TEST(Migrations, each_is_applied_once_in_order) {
  const std::string database = testing_support::fresh_database();
  ASSERT_TRUE(migrate(database, "shop", first(1)).ok());
  const Status upgraded = migrate(database, "shop", first(3));
  ASSERT_TRUE(upgraded.ok()) << upgraded.error().to_text();
  ASSERT_TRUE(migrate(database, "shop", first(3)).ok()) << "again changes nothing";
  EXPECT_EQ(ask(database, "SELECT string_agg(n || note, ',' ORDER BY n) FROM shop.orders"),
            "1old,3new");
  EXPECT_EQ(
      ask(database, "SELECT string_agg(name, ',' ORDER BY version) FROM shop.schema_migrations"),
      "0001_first,0002_second,0003_third");
}

TEST(Migrations, a_newer_schema_is_refused) {
  const std::string database = testing_support::fresh_database();
  ASSERT_TRUE(migrate(database, "shop", first(3)).ok());
  const Status refused = migrate(database, "shop", first(2));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "postgres.schema_newer");
  EXPECT_EQ(refused.error().message,
            "the database's schema \"shop\" is at version 3, this program knows 2");
}

TEST(Migrations, a_step_that_fails_leaves_nothing) {
  const std::string database = testing_support::fresh_database();
  std::vector<Migration> broken = {kSteps[0], {2, "0002_broken", "SELECT no_such_thing"}};
  EXPECT_EQ(migrate(database, "shop", broken).error().code, "postgres.refused");
  EXPECT_EQ(ask(database, "SELECT count(*) FROM pg_namespace WHERE nspname = 'shop'"), "0");
  EXPECT_TRUE(migrate(database, "shop", first(3)).ok());
}

TEST(Migrations, many_at_once_do_it_once) {
  const std::string database = testing_support::fresh_database();
  constexpr int kAtOnce = 8;
  std::vector<std::future<bool>> all;
  all.reserve(kAtOnce);
  for (int i = 0; i < kAtOnce; ++i) {
    all.push_back(
        std::async(std::launch::async, [&] { return migrate(database, "shop", first(3)).ok(); }));
  }
  for (std::future<bool>& one : all) EXPECT_TRUE(one.get());
  EXPECT_EQ(ask(database, "SELECT count(*) FROM shop.orders"), "2");
}

TEST(Migrations, no_server_is_an_error_that_passes) {
  const Status refused = migrate("host=/nowhere", "shop", first(1));
  EXPECT_EQ(refused.error().code, "postgres.unavailable");
  EXPECT_EQ(refused.error().error_class, ErrorClass::kTransient);
}

}  // namespace
}  // namespace millrace::postgres
