#include "catalog/retention.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <pqxx/pqxx>
#include <random>

#include "tests/support/postgres_fixture.h"

namespace millrace::catalog {
namespace {

const DatasetName kOrders{"team", "orders"};

WallTime second(std::int64_t number) { return WallTime(number * 1'000'000); }

class RetentionTest : public testing::Test {
 protected:
  void SetUp() override {
    database_ = testing_support::fresh_database();
    const Status migrated = postgres::migrate(database_, kSchema, migrations());
    ASSERT_TRUE(migrated.ok()) << migrated.error().to_text();
    connection_ = std::make_unique<pqxx::connection>(database_);
  }

  template <typename Do>
  auto transact(Do what) {
    pqxx::work work(*connection_);
    postgres::Transaction transaction{work};
    if constexpr (std::is_void_v<std::invoke_result_t<Do, postgres::Transaction&>>) {
      what(transaction);
      work.commit();
    } else {
      auto result = what(transaction);
      work.commit();
      return result;
    }
  }

  // The next snapshot of a dataset, at that second, of so many files; the numbers of ids count
  // from 1.
  RawId commit(Operation operation, std::int64_t at, int file_count = 1,
               const DatasetName& dataset = kOrders) {
    const RawId id{9, ++last_};
    std::vector<File> files;
    files.reserve(static_cast<std::size_t>(file_count));
    for (int i = 0; i < file_count; ++i)
      files.push_back({path(id, i), 1, Bytes(10), "xxh64:0", "{}"});
    transact([&](postgres::Transaction& transaction) {
      const Status done = append(transaction, {.dataset = dataset,
                                               .id = id,
                                               .parent = heads_[dataset],
                                               .operation = operation,
                                               .schema_hash = {},
                                               .schema_json = "{}",
                                               .files = files,
                                               .at = second(at),
                                               .origin = {{1, 2}, "run", 3, "load", 4, 0}});
      ASSERT_TRUE(done.ok()) << done.error().to_text();
    });
    heads_[dataset] = id;
    return id;
  }
  static std::string path(const RawId& id, int file) {
    return "team/run/" + std::to_string(id.low) + "/orders/" + std::to_string(file);
  }

  void expire(std::vector<RawId> ids, const DatasetName& dataset = kOrders) {
    transact([&](postgres::Transaction& t) { catalog::expire(t, dataset, ids); });
  }
  std::vector<std::uint64_t> replaced(std::int64_t before, std::int64_t newer = 1) {
    std::vector<std::uint64_t> ids;
    for (const Replaced& each : transact([&](postgres::Transaction& t) {
           return catalog::replaced(t, second(before), newer, std::nullopt, 99);
         }))
      ids.push_back(each.snapshot.low);
    return ids;
  }
  std::set<std::string> marked() {
    std::set<std::string> paths;
    for (const Mark& mark :
         transact([](postgres::Transaction& t) { return marks(t, 0, 1'000'000, 1'000'000); }))
      paths.insert(mark.path);
    return paths;
  }
  std::set<std::string> content(const RawId& snapshot, const DatasetName& dataset = kOrders) {
    std::set<std::string> paths;
    for (const File& file : transact([&](postgres::Transaction& t) {
                              return files(t, dataset, snapshot, {}, 9999);
                            }).files)
      paths.insert(file.path);
    return paths;
  }

  std::string database_;
  std::unique_ptr<pqxx::connection> connection_;
  std::map<DatasetName, RawId> heads_;
  std::uint64_t last_ = 0;
};

TEST_F(RetentionTest, age_counts_from_when_a_snapshot_was_replaced) {
  commit(Operation::kOverwrite, 10);
  commit(Operation::kAppend, 20);
  commit(Operation::kOverwrite, 30);
  EXPECT_EQ(replaced(20), std::vector<std::uint64_t>{});
  EXPECT_EQ(replaced(21), std::vector<std::uint64_t>{1});
  EXPECT_EQ(replaced(31), (std::vector<std::uint64_t>{1, 2})) << "the newest is replaced by none";
  EXPECT_EQ(replaced(31, 2), std::vector<std::uint64_t>{1}) << "two newer ones or more";
  expire({{9, 1}});
  EXPECT_EQ(replaced(99), std::vector<std::uint64_t>{2});
}

TEST_F(RetentionTest, pages_go_through_all_datasets_in_the_order_of_replacement) {
  const DatasetName other{"team", "other"};
  for (int i = 0; i < 5; ++i) {
    commit(Operation::kOverwrite, 10, 1, kOrders);
    commit(Operation::kOverwrite, 10, 1, other);
  }
  std::vector<Replaced> all;
  std::optional<Replaced> after;
  while (true) {
    const auto page = transact(
        [&](postgres::Transaction& t) { return catalog::replaced(t, second(99), 1, after, 3); });
    all.insert(all.end(), page.begin(), page.end());
    if (page.size() < 3) break;
    after = page.back();
  }
  ASSERT_EQ(all.size(), 8U);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].snapshot, all[i].snapshot);
  EXPECT_EQ(all.front().newer, 4);
}

TEST_F(RetentionTest, a_file_is_marked_with_the_last_snapshot_that_had_it) {
  const RawId a = commit(Operation::kOverwrite, 1, 2);
  const RawId b = commit(Operation::kAppend, 2);
  const RawId c = commit(Operation::kAppend, 3);
  const RawId d = commit(Operation::kOverwrite, 4);
  expire({a});
  EXPECT_EQ(marked(), std::set<std::string>{}) << "the appends have its files, too";
  EXPECT_EQ(content(c).size(), 4U);
  expire({c});
  EXPECT_EQ(marked(), std::set<std::string>{path(c, 0)});
  EXPECT_EQ(content(b), (std::set<std::string>{path(a, 0), path(a, 1), path(b, 0)}));
  expire({b});
  EXPECT_EQ(marked().size(), 4U);
  EXPECT_EQ(content(d), std::set<std::string>{path(d, 0)});
}

TEST_F(RetentionTest, the_newest_stays_whatever_is_asked) {
  const RawId a = commit(Operation::kOverwrite, 1);
  const RawId b = commit(Operation::kAppend, 2);
  expire({a, b, {9, 77}});
  EXPECT_EQ(content(b), (std::set<std::string>{path(a, 0), path(b, 0)}));
  EXPECT_EQ(marked(), std::set<std::string>{});
  expire({b}, {"team", "unknown"});
  EXPECT_EQ(content(b).size(), 2U);
}

TEST_F(RetentionTest, marks_are_numbered_and_go_one_by_one) {
  commit(Operation::kOverwrite, 1, 3);
  EXPECT_EQ(transact([](postgres::Transaction& t) { return newest_mark(t); }), 0);
  commit(Operation::kOverwrite, 2, 2);
  commit(Operation::kOverwrite, 3);
  expire({{9, 1}});
  const std::int64_t first = transact([](postgres::Transaction& t) { return newest_mark(t); });
  expire({{9, 2}});
  const auto up_to_first =
      transact([&](postgres::Transaction& t) { return marks(t, 0, first, 99); });
  ASSERT_EQ(up_to_first.size(), 3U);
  EXPECT_EQ(up_to_first[0].path, path({9, 1}, 0));
  transact([&](postgres::Transaction& t) {
    remove_marks(t, std::vector<std::int64_t>{up_to_first[1].number, 999});
  });
  const auto rest = transact(
      [&](postgres::Transaction& t) { return marks(t, up_to_first[0].number, 1'000'000, 99); });
  EXPECT_EQ(rest.size(), 3U) << "one of the first, both of the second";
}

TEST_F(RetentionTest, a_prefix_is_referenced_by_what_lies_below_it_alone) {
  commit(Operation::kOverwrite, 1);
  commit(Operation::kOverwrite, 2);
  const std::vector<std::string> prefixes = {"team/run/1", "team/run/2", "team/run/3",
                                             "team/run",   "team/ru",    "team/run/1/orders/0",
                                             "team/run/",  "",           "team/run/2/orders"};
  const auto look = [&] {
    return transact([&](postgres::Transaction& t) { return referenced(t, prefixes); });
  };
  EXPECT_EQ(look(), (std::set<std::size_t>{0, 1, 3, 8}));
  expire({{9, 1}});
  EXPECT_EQ(look(), (std::set<std::size_t>{0, 1, 3, 8})) << "by its mark";
  transact([](postgres::Transaction& t) { remove_marks(t, std::vector<std::int64_t>{1}); });
  EXPECT_EQ(look(), (std::set<std::size_t>{1, 3, 8}));
}

// Any history of appends, overwrites and expiries: what is marked is what no snapshot has, and each
// snapshot has what the meaning of the modes gives it.
TEST_F(RetentionTest, what_is_marked_is_what_no_snapshot_has) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 12; ++round) {
    const DatasetName dataset{"team", "d" + std::to_string(round)};
    std::map<RawId, std::set<std::string>> expected;
    std::set<std::string> all;
    const std::set<std::string> marked_before = marked();
    RawId head;
    for (int step = 0; step < 30; ++step) {
      if (random() % 3 != 0 || expected.size() < 2) {
        const bool appends = random() % 3 != 0;
        const int count = static_cast<int>(random() % 3);
        const RawId id =
            commit(appends ? Operation::kAppend : Operation::kOverwrite, step, count, dataset);
        if (appends && !head.is_nil()) expected[id] = expected[head];
        for (int i = 0; i < count; ++i) {
          expected[id].insert(path(id, i));
          all.insert(path(id, i));
        }
        expected[id];
        head = id;
      } else {
        std::vector<RawId> gone;
        for (const auto& [id, files] : expected)
          if (id != head && random() % 3 == 0) gone.push_back(id);
        expire(gone, dataset);
        for (const RawId& id : gone) expected.erase(id);
      }
      // What a snapshot had stays its own although one that it stands on has expired.
      std::set<std::string> kept;
      for (const auto& [id, files] : expected) {
        EXPECT_EQ(content(id, dataset), files) << "round " << round << " step " << step;
        kept.insert(files.begin(), files.end());
      }
      std::set<std::string> now_marked = marked();
      for (const std::string& path : marked_before) now_marked.erase(path);
      for (const std::string& path : all)
        EXPECT_NE(kept.contains(path), now_marked.contains(path)) << path;
    }
  }
}

}  // namespace
}  // namespace millrace::catalog
