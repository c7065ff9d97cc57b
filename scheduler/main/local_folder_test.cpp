#include "scheduler/main/local_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>

namespace millrace::scheduler {
namespace {

namespace fs = std::filesystem;

RunId run(std::uint64_t number) { return RunId(RawId{1, number}); }
AttemptPrefix prefix(std::uint64_t of_run, std::uint32_t task, std::uint64_t epoch,
                     const std::string& ns = "default") {
  return {ns, run(of_run), TaskIndex(task), Epoch(epoch)};
}

class LocalFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/millrace-folder-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    top_ = name;
    root_ = top_ / "data";
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(top_); }

  void write(const std::string& file) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << "x";
  }
  void write(const AttemptPrefix& attempt,
             const std::string& file = "orders/part-0.parquet") const {
    write(attempt.path() + "/" + file);
  }
  bool there(const std::string& file) const { return fs::exists(root_ / file); }

  fs::path top_;
  fs::path root_;
};

TEST_F(LocalFolderTest, attempts_come_in_order_whatever_the_page) {
  // As numbers, not as texts: 10 comes after 9.
  const std::vector<AttemptPrefix> all = {prefix(1, 0, 9),  prefix(1, 0, 10),
                                          prefix(1, 2, 3),  prefix(1, 10, 1),
                                          prefix(2, 0, 11), prefix(1, 0, 7, "team-a")};
  for (const AttemptPrefix& each : all) write(each);
  LocalFolder folder(root_);
  for (std::size_t page = 1; page <= 7; ++page) {
    std::vector<AttemptPrefix> got;
    std::optional<AttemptPrefix> after;
    while (true) {
      const auto next = folder.attempts(after, page);
      ASSERT_TRUE(next.ok()) << next.error().to_text();
      if (next->empty()) break;
      EXPECT_LE(next->size(), page);
      got.insert(got.end(), next->begin(), next->end());
      after = got.back();
    }
    EXPECT_EQ(got, all) << "page of " << page;
  }
}

TEST_F(LocalFolderTest, what_is_named_otherwise_is_none_of_ours) {
  for (const std::string& strange : std::vector<std::string>{
           "default/notes/0/1/x", "Default/" + run(1).to_text() + "/0/1/x",
           "default/" + run(1).to_text() + "/0/01/x", "default/" + run(1).to_text() + "/-1/1/x",
           ".logs/" + run(1).to_text() + "/0/1/x", "default/" + run(1).to_text() + "/0/1x/y",
           "file", "default/" + run(1).to_text() + "/0/99999999999999999999/x"})
    write(strange);
  const auto found = LocalFolder(root_).attempts(std::nullopt, 99);
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->empty()) << found->front().path();
}

TEST_F(LocalFolderTest, a_root_that_is_not_there_is_empty) {
  LocalFolder folder(top_ / "nowhere");
  EXPECT_TRUE(folder.attempts(std::nullopt, 9)->empty());
  EXPECT_TRUE(folder.remove("a/b").ok());
  EXPECT_TRUE(folder.remove(prefix(1, 0, 1), true).ok());
}

TEST_F(LocalFolderTest, a_file_goes_and_may_be_gone) {
  write(prefix(1, 0, 1));
  LocalFolder folder(root_);
  const std::string file = prefix(1, 0, 1).path() + "/orders/part-0.parquet";
  for (int times = 0; times < 3; ++times) {
    const Status removed = folder.remove(file);
    EXPECT_TRUE(removed.ok()) << removed.error().to_text();
    EXPECT_FALSE(there(file));
  }
  EXPECT_EQ(folder.remove(prefix(1, 0, 1).path() + "/orders").error().code, "sweep.failed")
      << "a folder is no file";
}

TEST_F(LocalFolderTest, a_prefix_goes_with_all_that_is_below_and_no_more) {
  write(prefix(1, 0, 1));
  write(prefix(1, 0, 1), "orders/deep/er/file");
  write(prefix(1, 0, 2));
  write(prefix(1, 1, 3));
  LocalFolder folder(root_);
  for (int times = 0; times < 2; ++times) EXPECT_TRUE(folder.remove(prefix(1, 0, 1), true).ok());
  EXPECT_FALSE(there(prefix(1, 0, 1).path()));
  EXPECT_TRUE(there(prefix(1, 0, 2).path() + "/orders/part-0.parquet"));
  EXPECT_TRUE(folder.remove(prefix(1, 0, 2), false).ok());
  EXPECT_TRUE(there("default/" + run(1).to_text() + "/0")) << "its run goes on";
  EXPECT_TRUE(folder.remove(prefix(1, 1, 3), true).ok());
  EXPECT_FALSE(there("default/" + run(1).to_text() + "/1"));
  EXPECT_TRUE(there("default/" + run(1).to_text())) << "not empty";
}

TEST_F(LocalFolderTest, paths_that_lead_out_are_refused) {
  fs::create_directories(top_ / "beside");
  std::ofstream(top_ / "beside" / "precious") << "x";
  write("default/x");
  LocalFolder folder(root_);
  for (const std::string& bad : std::vector<std::string>{
           "", "/", "../beside/precious", "default/../../beside/precious", "./x", "default//x",
           (top_ / "beside/precious").string(), std::string("a\0b", 3)}) {
    const Status removed = folder.remove(bad);
    ASSERT_FALSE(removed.ok()) << bad;
    EXPECT_EQ(removed.error().code, "sweep.not_ours") << bad;
  }
  EXPECT_FALSE(folder.remove(prefix(1, 0, 1, ".."), true).ok());
  EXPECT_FALSE(folder.remove(prefix(1, 0, 1, "../beside"), true).ok());
  EXPECT_TRUE(fs::exists(top_ / "beside" / "precious"));
}

TEST_F(LocalFolderTest, no_link_is_followed) {
  // A place beside the root that looks like a part of it.
  const fs::path beside = top_ / "beside";
  fs::create_directories(beside / prefix(1, 0, 1).path() / "orders");
  const fs::path precious = beside / prefix(1, 0, 1).path() / "orders" / "part-0.parquet";
  std::ofstream(precious) << "x";
  const std::string id = run(1).to_text();
  LocalFolder folder(root_);
  const std::vector<std::string> levels = {"default", "default/" + id, "default/" + id + "/0",
                                           "default/" + id + "/0/1",
                                           "default/" + id + "/0/1/orders"};
  for (std::size_t level = 0; level < levels.size(); ++level) {
    fs::remove_all(root_ / "default");
    fs::create_directories((root_ / levels[level]).parent_path());
    fs::create_directory_symlink(beside / levels[level], root_ / levels[level]);
    const auto found = folder.attempts(std::nullopt, 9);
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->size(), level < 3 ? 0U : 1U) << "a link is no folder";
    EXPECT_EQ(folder.remove(prefix(1, 0, 1).path() + "/orders/part-0.parquet").error().code,
              "sweep.not_ours");
    EXPECT_EQ(folder.remove(prefix(1, 0, 1), true).ok(), level >= 3) << level;
    EXPECT_EQ(fs::exists(fs::symlink_status(root_ / levels[level])), level < 3)
        << "a link at the prefix or below goes with it";
    EXPECT_TRUE(fs::exists(precious)) << "through " << levels[level];
  }
}

TEST_F(LocalFolderTest, folders_of_runs_of_long_ago_are_found_and_go_whole) {
  for (const std::uint64_t number : {3, 1, 2, 9})
    write("default/" + run(number).to_text() + "/0-1.log");
  write("team/" + run(4).to_text() + "/0-1.log");
  write("team/notes/x");
  const LocalFolder folder(root_);
  const auto ids = [&](std::uint64_t before, std::size_t limit) {
    std::vector<std::uint64_t> found;
    const auto runs = folder.runs_before(run(before), limit);
    for (const auto& each : *runs) found.push_back(each.run.raw().low);
    return found;
  };
  EXPECT_EQ(ids(9, 99), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(ids(3, 99), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(ids(9, 2), (std::vector<std::uint64_t>{1, 2}));
  for (int times = 0; times < 2; ++times)
    EXPECT_TRUE(folder.remove(LocalFolder::RunFolder{"default", run(2)}).ok());
  EXPECT_EQ(ids(9, 99), (std::vector<std::uint64_t>{1, 3, 4}));
  EXPECT_EQ(folder.remove(LocalFolder::RunFolder{"..", run(1)}).error().code, "sweep.not_ours");
}

}  // namespace
}  // namespace millrace::scheduler
