#include "catalog/catalog.h"

#include <gtest/gtest.h>

#include <pqxx/pqxx>
#include <random>

#include "lib/postgres/read_pool.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::catalog {
namespace {

const std::string kSchemaJson = R"({"columns": [{"name": "n", "type": "BIGINT"}]})";
const DatasetName kOrders{"team", "orders"};

class CatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    database_ = testing_support::fresh_database();
    const Status migrated = postgres::migrate(database_, kSchema, migrations());
    ASSERT_TRUE(migrated.ok()) << migrated.error().to_text();
    pool_ = std::make_unique<postgres::ReadPool>(database_, 1);
  }

  RawId new_id() { return {random_(), random_()}; }

  static std::vector<File> some_files(const std::string& name, int count) {
    std::vector<File> files;
    files.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      files.push_back({name + "/" + std::to_string(i) + ".parquet", 10 + i, Bytes(100 * i),
                       "xxh64:" + std::to_string(i),
                       R"({"n": {"min": 1, "note": "it's {\"x\"}"}})"});
    }
    return files;
  }

  // Commits it; the error's code otherwise.
  std::string commit(const RawId& id, const RawId& parent, Operation operation,
                     const std::vector<File>& files, const std::string& dataset = "orders") {
    pqxx::connection connection(database_);
    pqxx::work work(connection);
    postgres::Transaction transaction{work};
    Hash hash{};
    hash[0] = 7;
    const Status status = append(transaction, {.dataset = {"team", dataset},
                                               .id = id,
                                               .parent = parent,
                                               .operation = operation,
                                               .schema_hash = hash,
                                               .schema_json = kSchemaJson,
                                               .files = files,
                                               .at = WallTime(1'700'000'000'123'456),
                                               .origin = {{1, 2}, "run-1", 3, "load", 4, 1}});
    if (!status.ok()) return status.error().code;
    work.commit();
    return "";
  }

  template <typename Look>
  auto read(Look look) {
    std::invoke_result_t<Look, postgres::Transaction&> result;
    const Status status = pool_->read([&](postgres::Transaction& transaction) {
      result = look(transaction);
      return ok_status();
    });
    EXPECT_TRUE(status.ok()) << status.error().to_text();
    return result;
  }
  std::vector<File> files_of(const RawId& snapshot, std::size_t page = 3) {
    std::vector<File> all;
    FileCursor cursor;
    while (true) {
      const FilePage got = read([&](auto& t) { return files(t, kOrders, snapshot, cursor, page); });
      all.insert(all.end(), got.files.begin(), got.files.end());
      if (!got.next) return all;
      cursor = *got.next;
    }
  }

  std::mt19937_64 random_{5};
  std::string database_;
  std::unique_ptr<postgres::ReadPool> pool_;
};

TEST_F(CatalogTest, a_snapshot_is_what_was_appended) {
  const RawId first = new_id();
  ASSERT_EQ(commit(first, {}, Operation::kOverwrite, some_files("a", 3)), "");
  EXPECT_EQ(files_of(first), some_files("a", 3));
  const auto found = read([&](auto& t) { return dataset(t, kOrders); });
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->name, "orders");
  EXPECT_EQ(found->newest.id, first);
  EXPECT_TRUE(found->newest.parent.is_nil());
  EXPECT_EQ(found->newest.schema_json, kSchemaJson);
  EXPECT_EQ(found->newest.total, (Totals{33, 3, Bytes(300)}));
  EXPECT_EQ(found->newest.at, WallTime(1'700'000'000'123'456));
  EXPECT_EQ(found->newest.origin.run, (RawId{1, 2}));
  EXPECT_EQ(found->newest.origin.task_name, "load");
  EXPECT_EQ(found->newest.origin.attempt, 4U);
  EXPECT_EQ(found->newest.origin.write_index, 1U);
}

TEST_F(CatalogTest, appends_keep_what_was_there_and_an_overwrite_does_not) {
  // A model beside it: the files that each snapshot ought to have.
  std::vector<std::pair<RawId, std::vector<File>>> model;
  RawId parent;
  for (int i = 0; i < 30; ++i) {
    const RawId id = new_id();
    const Operation operation = random_() % 4 == 0 ? Operation::kOverwrite : Operation::kAppend;
    const std::vector<File> added = some_files(std::to_string(i), static_cast<int>(random_() % 4));
    ASSERT_EQ(commit(id, parent, operation, added), "");
    std::vector<File> expected;
    if (operation == Operation::kAppend && !model.empty()) expected = model.back().second;
    expected.insert(expected.end(), added.begin(), added.end());
    model.emplace_back(id, expected);
    parent = id;
  }
  for (const auto& [id, expected] : model) {
    EXPECT_EQ(files_of(id), expected);
    const auto found = read([&](auto& t) { return snapshot(t, kOrders, id); });
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->total.files, static_cast<std::int64_t>(expected.size()));
  }
  // Newest first, in pages.
  std::vector<RawId> listed;
  for (RawId before; listed.size() < model.size(); before = listed.back()) {
    const auto page = read([&](auto& t) { return snapshots(t, kOrders, before, 7); });
    ASSERT_FALSE(page.empty());
    for (const Snapshot& one : page) listed.push_back(one.id);
  }
  for (std::size_t i = 0; i < model.size(); ++i)
    EXPECT_EQ(listed[i], model[model.size() - 1 - i].first);
  EXPECT_TRUE(read([&](auto& t) { return snapshots(t, kOrders, listed.back(), 7); }).empty());
}

TEST_F(CatalogTest, another_parent_than_the_newest_is_refused) {
  const RawId first = new_id();
  const RawId second = new_id();
  EXPECT_EQ(commit(first, new_id(), Operation::kAppend, {}), "catalog.head_differs");
  ASSERT_EQ(commit(first, {}, Operation::kAppend, some_files("a", 1)), "");
  EXPECT_EQ(commit(second, {}, Operation::kOverwrite, some_files("b", 1)), "catalog.head_differs");
  EXPECT_EQ(commit(second, new_id(), Operation::kAppend, some_files("b", 1)),
            "catalog.head_differs");
  EXPECT_EQ(commit(second, first, Operation::kAppend, some_files("b", 1)), "");
  EXPECT_EQ(read([](auto& t) { return heads(t); }).at(0).snapshot, second);
}

TEST_F(CatalogTest, datasets_are_listed_by_name_in_pages) {
  for (const char* name : {"c", "a", "b"}) {
    ASSERT_EQ(commit(new_id(), {}, Operation::kAppend, some_files(name, 1), name), "");
  }
  const auto page = read([](auto& t) { return datasets(t, "team", "", 2); });
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[1].name, "b");
  const auto rest = read([](auto& t) { return datasets(t, "team", "b", 2); });
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].name, "c");
  EXPECT_TRUE(read([](auto& t) { return datasets(t, "another", "", 2); }).empty());
}

TEST_F(CatalogTest, what_an_attempt_committed_is_found) {
  const RawId id = new_id();
  ASSERT_EQ(commit(id, {}, Operation::kOverwrite, some_files("a", 2)), "");
  const auto found = read([](auto& t) { return committed_by(t, {1, 2}, 3); });
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].dataset, "orders");
  EXPECT_EQ(found[0].snapshot.id, id);
  EXPECT_EQ(found[0].schema_hash[0], 7);
  EXPECT_TRUE(read([](auto& t) { return committed_by(t, {1, 2}, 4); }).empty());
}

}  // namespace
}  // namespace millrace::catalog
