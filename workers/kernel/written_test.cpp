#include "workers/kernel/written.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "workers/kernel/testing/temp_folder.h"

namespace millrace::kernel {
namespace {

TEST(Written, a_folder_is_made_with_those_above_it_and_names_all_that_changed) {
  const testing::TempFolder temp;
  const auto changed = make_folder(temp / "a/b");
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(*changed, (std::vector<std::string>{temp / "a/b", temp.path().string(), temp / "a"}));
  EXPECT_EQ(*make_folder(temp / "a/b"), (std::vector<std::string>{temp / "a/b"}));
}

// More than are synced at a time, so that each of them has several.
TEST(Written, of_many_that_are_synced_each_one_that_fails_is_told) {
  const testing::TempFolder temp;
  std::vector<std::string> paths;
  paths.reserve(41);
  for (int i = 0; i < 40; ++i) paths.push_back(temp.write("file-" + std::to_string(i), "text"));
  paths.push_back(temp.path().string());
  EXPECT_TRUE(sync_paths(paths).ok());
  EXPECT_TRUE(sync_paths({}).ok());
  for (std::string& path : paths) {
    const std::string whole = path;
    path += "-missing";
    const Status synced = sync_paths(paths);
    path = whole;
    ASSERT_FALSE(synced.ok()) << whole;
    EXPECT_EQ(synced.error().code, "file.failed");
    EXPECT_NE(synced.error().message.find(whole + "-missing"), std::string::npos);
  }
}

}  // namespace
}  // namespace millrace::kernel
