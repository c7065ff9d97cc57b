#include "cli/stack/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class LayoutTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "layout_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    // A runtime folder of the test's own, so that nothing is left in the real one.
    ::mkdir((root_ / "runtime").c_str(), 0700);
    ::setenv("XDG_RUNTIME_DIR", (root_ / "runtime").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("XDG_RUNTIME_DIR");
    fs::remove_all(root_);
  }
  fs::path root_;
};

mode_t mode_of(const fs::path& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

TEST_F(LayoutTest, folders_are_made_once_and_closed_to_others) {
  const Layout layout = layout_of(root_ / "stack");
  ASSERT_TRUE(make_directory(layout).ok());
  ASSERT_TRUE(make_folders(layout).ok());
  for (const fs::path& path : {layout.data(), layout.logs(), layout.worker_state(), layout.files(),
                               layout.sockets, layout.api_token().parent_path()})
    EXPECT_EQ(mode_of(path), 0700U) << path;
  ASSERT_TRUE(replace_file(layout.record(), "{}").ok());
  EXPECT_TRUE(make_directory(layout).ok());
  EXPECT_TRUE(make_folders(layout).ok());
}

TEST_F(LayoutTest, what_an_up_leaves_that_ended_before_its_record_is_no_obstacle) {
  const Layout layout = layout_of(root_ / "stack");
  ASSERT_TRUE(make_directory(layout).ok());
  std::ofstream(layout.lock()) << "";
  std::ofstream(layout.record().string() + ".new") << "{";
  EXPECT_TRUE(make_directory(layout).ok());
}

TEST_F(LayoutTest, what_is_in_the_way_is_named) {
  std::ofstream(root_ / "file") << "x";
  Status status = make_directory(layout_of(root_ / "file"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "up.directory_in_the_way");

  fs::create_directory(root_ / "other");
  std::ofstream(root_ / "other" / "thesis.txt") << "x";
  status = make_directory(layout_of(root_ / "other"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "up.directory_in_the_way");
  EXPECT_THAT(status.error().message, HasSubstr("thesis.txt"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_ / "other"), {}), 1) << "nothing was made";

  status = make_directory(layout_of(root_ / "file" / "below" / "it"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "up.directory_in_the_way");
  EXPECT_THAT(status.error().message, HasSubstr((root_ / "file").string() + "\" is a file"));

  const Layout layout = layout_of(root_ / "stack");
  ASSERT_TRUE(make_directory(layout).ok());
  std::ofstream(layout.logs()) << "x";
  status = make_folders(layout);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "up.directory_in_the_way");
  EXPECT_THAT(status.error().message, HasSubstr(layout.logs().string()));
}

TEST_F(LayoutTest, a_socket_folder_that_others_may_enter_is_refused) {
  const Layout layout = layout_of(root_ / "stack");
  ASSERT_TRUE(make_directory(layout).ok());
  fs::create_directory(layout.sockets);
  ::chmod(layout.sockets.c_str(), 0755);
  const Status status = make_folders(layout);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr(layout.sockets.string()));
}

TEST_F(LayoutTest, socket_paths_fit_however_long_the_directory_is) {
  const Layout layout = layout_of(root_ / std::string(200, 'd'));
  EXPECT_LE(layout.worker_socket().string().size(), 107U);
  EXPECT_EQ(layout.sockets.parent_path(), root_ / "runtime");
  ::setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
  EXPECT_EQ(layout_of(root_).sockets.parent_path(), "/tmp");
}

TEST_F(LayoutTest, each_directory_has_sockets_of_its_own) {
  EXPECT_NE(layout_of(root_ / "a").sockets, layout_of(root_ / "b").sockets);
  EXPECT_EQ(layout_of(root_ / "a").sockets, layout_of(root_ / "a").sockets);
}

TEST_F(LayoutTest, a_token_is_made_once_and_kept) {
  const auto first = token_at(root_ / "token");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->size(), 64U);
  EXPECT_EQ(mode_of(root_ / "token"), 0600U);
  EXPECT_EQ(*token_at(root_ / "token"), *first);
  EXPECT_NE(*token_at(root_ / "token2"), *first);
  ::chmod((root_ / "token").c_str(), 0644);
  EXPECT_FALSE(token_at(root_ / "token").ok());
}

TEST_F(LayoutTest, an_emptied_token_is_made_anew) {
  ASSERT_TRUE(replace_file(root_ / "token", "\n").ok());
  const auto made = token_at(root_ / "token");
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->size(), 64U);
  EXPECT_EQ(*token_at(root_ / "token"), *made);
}

TEST_F(LayoutTest, one_stack_has_one_name) {
  fs::create_directory_symlink(root_, root_.string() + "_link");
  EXPECT_EQ(*stack_directory(root_.string() + "_link/stack"), fs::canonical(root_) / "stack");
  EXPECT_EQ(*stack_directory(root_.string() + "/stack/"), fs::canonical(root_) / "stack");
  fs::remove(root_.string() + "_link");
}

}  // namespace
}  // namespace millrace::cli
