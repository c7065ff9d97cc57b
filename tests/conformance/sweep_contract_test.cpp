// What the sweeper may rely on of a catalog, whichever it is: one suite, run against Postgres and
// against the simulator's memory. The truth beside it is made by the meaning of the modes alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <pqxx/connection>
#include <set>

#include "base/check.h"
#include "scheduler/engine/sweeper.h"
#include "scheduler/simulation/memory_catalog.h"
#include "scheduler/store/log_writer.h"
#include "scheduler/store/postgres_store.h"
#include "scheduler/store/sweep_catalog.h"
#include "scheduler/store/testing/story.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::conformance {
namespace {

using scheduler::AttemptPrefix;
using scheduler::Batch;
using scheduler::BatchRef;
using scheduler::Event;
using scheduler::MarkedFile;
using scheduler::NamespacedName;
using scheduler::ReplacedPage;
using scheduler::SnapshotId;
using scheduler::Story;
using scheduler::SweepCatalog;
using scheduler::SweepSnapshots;

class CatalogWorld {
 public:
  virtual ~CatalogWorld() = default;
  virtual void commit(const Batch& batch) = 0;
  virtual SweepCatalog& catalog() = 0;
};

class MemoryCatalogWorld final : public CatalogWorld {
 public:
  void commit(const Batch& batch) override { catalog_.appended(batch); }
  SweepCatalog& catalog() override { return catalog_; }

 private:
  simulation::MemoryCatalog catalog_;
};

class PostgresCatalogWorld final : public CatalogWorld {
 public:
  PostgresCatalogWorld()
      : database_(migrated(testing_support::fresh_database())),
        connection_(database_),
        catalog_(database_) {}
  void commit(const Batch& batch) override {
    runs_.before(batch);
    const auto written = write_batch(connection_, 0, batch, runs_);
    MILLRACE_CHECK(written.ok(), written.error().to_text());
    runs_.after(batch);
  }
  SweepCatalog& catalog() override { return catalog_; }

 private:
  static std::string migrated(std::string database) {
    const Status status = scheduler::migrate_store(database);
    MILLRACE_CHECK(status.ok(), status.error().to_text());
    return database;
  }

  const std::string database_;
  pqxx::connection connection_;
  scheduler::LiveRuns runs_;
  scheduler::PostgresSweepCatalog catalog_;
};

struct CatalogKind {
  std::string name;
  std::unique_ptr<CatalogWorld> (*make)();
};
// NOLINTNEXTLINE(readability-identifier-naming): its own name
void PrintTo(const CatalogKind& kind, std::ostream* out) { *out << kind.name; }

// What a catalog must hold, told by events alone.
struct Truth {
  struct Snapshot {
    NamespacedName dataset;
    std::set<std::string> files;
    WallTime replaced;  // 0: it is the newest
    std::uint32_t newer = 0;
  };
  std::map<SnapshotId, Snapshot> kept;
  std::set<std::string> marked;
  std::set<AttemptPrefix> attempts;  // that committed something

  void note(const Batch& batch,
            const std::map<SnapshotId, std::vector<scheduler::FileRow>>& added) {
    for (const Event& event : batch.events) {
      if (const auto* done = std::get_if<scheduler::events::AttemptSucceeded>(&event)) {
        for (const auto& committed : done->snapshots) {
          Snapshot snapshot{{"team", committed.dataset}, {}, {}, 0};
          for (auto& [id, other] : kept) {
            if (other.dataset != snapshot.dataset) continue;
            ++other.newer;
            if (id != committed.parent) continue;
            other.replaced = done->at;
            if (committed.mode == scheduler::WriteMode::kAppend) snapshot.files = other.files;
          }
          for (const auto& file : added.at(committed.snapshot)) snapshot.files.insert(file.path);
          kept[committed.snapshot] = std::move(snapshot);
          attempts.insert({"team", done->attempt.run, done->attempt.task, done->attempt.epoch});
        }
      } else if (const auto* expired = std::get_if<scheduler::events::SnapshotsExpired>(&event)) {
        for (const SnapshotId& id : expired->snapshots) {
          const std::set<std::string> files = kept.at(id).files;
          kept.erase(id);
          const std::set<std::string> rest = files_kept();
          for (const std::string& file : files)
            if (!rest.contains(file)) marked.insert(file);
        }
      }
    }
  }
  std::set<std::string> files_kept() const {
    std::set<std::string> files;
    for (const auto& [id, snapshot] : kept)
      files.insert(snapshot.files.begin(), snapshot.files.end());
    return files;
  }
};

class SweepContract : public testing::TestWithParam<CatalogKind> {
 protected:
  void SetUp() override { world_ = GetParam().make(); }

  SweepCatalog& catalog() { return world_->catalog(); }
  void tell(Story& story, int batches) {
    for (int i = 0; i < batches; ++i) {
      const BatchRef batch = story.next();
      world_->commit(*batch);
      truth_.note(*batch, story.files);
    }
  }
  // All pages one after the other.
  std::vector<SweepSnapshots::OfDataset> replaced(WallTime before, std::uint32_t newer,
                                                  std::size_t limit) {
    std::vector<SweepSnapshots::OfDataset> all;
    std::optional<scheduler::ReplacedCursor> after;
    do {
      Result<ReplacedPage> page = catalog().replaced(before, newer, after, limit);
      MILLRACE_CHECK(page.ok(), page.error().to_text());
      std::size_t count = 0;
      for (auto& of : page->datasets) {
        count += of.snapshots.size();
        all.push_back(std::move(of));
      }
      EXPECT_LE(count, limit);
      after = page->next;
    } while (after);
    return all;
  }
  std::vector<MarkedFile> all_marked(std::size_t limit = 1'000'000) {
    return catalog().marked(0, catalog().newest_mark().value(), limit).value();
  }
  void expect_as_in_truth(WallTime now) {
    std::set<SnapshotId> expected;
    for (const auto& [id, snapshot] : truth_.kept)
      if (snapshot.newer > 0) expected.insert(id);
    std::set<SnapshotId> found;
    for (const auto& of : replaced(now + seconds(1), 1, 7)) {
      for (const auto& each : of.snapshots) {
        ASSERT_TRUE(truth_.kept.contains(each.snapshot));
        const Truth::Snapshot& snapshot = truth_.kept.at(each.snapshot);
        EXPECT_EQ(of.dataset, snapshot.dataset);
        EXPECT_EQ(each.newer, snapshot.newer);
        EXPECT_EQ(each.replaced, snapshot.replaced);
        EXPECT_TRUE(found.insert(each.snapshot).second) << "twice";
      }
    }
    EXPECT_EQ(found, expected);
    std::set<std::string> marked;
    for (const MarkedFile& file : all_marked())
      EXPECT_TRUE(marked.insert(file.path).second) << "marked twice: " << file.path;
    EXPECT_EQ(marked, truth_.marked);
  }

  std::unique_ptr<CatalogWorld> world_;
  Truth truth_;
};

TEST_P(SweepContract, an_empty_catalog_has_nothing_to_sweep) {
  EXPECT_TRUE(replaced(WallTime(9'000'000'000'000'000), 1, 10).empty());
  EXPECT_EQ(*catalog().newest_mark(), 0);
  EXPECT_TRUE(catalog().marked(0, 100, 10)->empty());
  EXPECT_TRUE(catalog().forget({}).ok());
  EXPECT_TRUE(catalog().forget({1, 2}).ok());
  EXPECT_TRUE(catalog().referenced({})->empty());
  EXPECT_TRUE(catalog().referenced({{"team", {}, {}, {}}})->empty());
  EXPECT_TRUE(catalog().installed().ok());
}

// Snapshots come, are replaced and expire; marks are forgotten: at every moment the catalog says
// what is true.
TEST_P(SweepContract, what_expires_leaves_the_files_that_others_have) {
  std::size_t expired = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    world_ = GetParam().make();
    truth_ = {};
    Story story(seed);
    story.settings().snapshot_retention = seconds(20);
    for (int round = 0; round < 25; ++round) {
      tell(story, 12);
      const std::size_t before = truth_.kept.size();
      story.add(SweepSnapshots{{}, replaced(story.now(), 1, 1000)});
      const BatchRef batch = story.next();
      world_->commit(*batch);
      truth_.note(*batch, story.files);
      expired += before > truth_.kept.size() ? before - truth_.kept.size() : 0;
      expect_as_in_truth(story.now());
      const std::vector<MarkedFile> some = all_marked(5);
      std::vector<std::int64_t> marks;
      for (const MarkedFile& file : some) {
        marks.push_back(file.mark);
        truth_.marked.erase(file.path);
      }
      for (int times = 0; times < 2; ++times) EXPECT_TRUE(catalog().forget(marks).ok());
      expect_as_in_truth(story.now());
    }
  }
  EXPECT_GT(expired, 50U);
}

TEST_P(SweepContract, age_and_number_of_newer_ones_bound_what_is_asked_about) {
  Story story(7);
  tell(story, 200);
  std::vector<WallTime> times;
  for (const auto& [id, snapshot] : truth_.kept)
    if (snapshot.newer > 0) times.push_back(snapshot.replaced);
  ASSERT_GT(times.size(), 10U);
  std::sort(times.begin(), times.end());
  const WallTime middle = times[times.size() / 2];
  for (const std::uint32_t newer : {1U, 3U}) {
    std::size_t expected = 0;
    for (const auto& [id, snapshot] : truth_.kept)
      if (snapshot.newer >= newer && snapshot.replaced < middle) ++expected;
    std::size_t found = 0;
    for (const auto& of : replaced(middle, newer, 4)) found += of.snapshots.size();
    EXPECT_EQ(found, expected);
  }
}

TEST_P(SweepContract, a_prefix_is_referenced_as_long_as_a_file_below_it_is) {
  Story story(5);
  story.settings().snapshot_retention = seconds(1);
  tell(story, 150);
  story.add(SweepSnapshots{{}, replaced(story.now(), 1, 1000)});
  tell(story, 1);
  const std::set<std::string> kept = truth_.files_kept();
  const auto look = [&] {
    const std::vector<AttemptPrefix> all(truth_.attempts.begin(), truth_.attempts.end());
    return *catalog().referenced(all);
  };
  const auto expected = [&](bool with_marked) {
    std::set<AttemptPrefix> found;
    for (const AttemptPrefix& attempt : truth_.attempts) {
      const auto below = [&](const std::string& file) {
        return file.starts_with(attempt.path() + "/");
      };
      if (std::any_of(kept.begin(), kept.end(), below) ||
          (with_marked && std::any_of(truth_.marked.begin(), truth_.marked.end(), below)))
        found.insert(attempt);
    }
    return found;
  };
  EXPECT_EQ(look(), expected(true));
  std::vector<std::int64_t> marks;
  for (const MarkedFile& file : all_marked()) marks.push_back(file.mark);
  ASSERT_FALSE(marks.empty());
  ASSERT_TRUE(catalog().forget(marks).ok());
  EXPECT_NE(expected(true), expected(false));
  EXPECT_EQ(look(), expected(false));
}

INSTANTIATE_TEST_SUITE_P(
    Catalogs, SweepContract,
    testing::Values(CatalogKind{"memory",
                                []() -> std::unique_ptr<CatalogWorld> {
                                  return std::make_unique<MemoryCatalogWorld>();
                                }},
                    CatalogKind{"postgres",
                                []() -> std::unique_ptr<CatalogWorld> {
                                  return std::make_unique<PostgresCatalogWorld>();
                                }}),
    [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace millrace::conformance
