// Files below the allowed roots, and every way out of them that we know.
#include "workers/kernel/source_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "workers/kernel/testing/temp_folder.h"

namespace millrace::kernel {
namespace {

using millrace::testing::TempFolder;

class SourceFiles : public ::testing::Test {
 protected:
  SourceFiles() {
    outside_ = folder_.write("outside/secret.csv", "x\n");
    folder_.write("root/b.csv", "b\n");
    folder_.write("root/a.csv", "a\n");
    folder_.write("root/c.txt", "c\n");
    folder_.write("root/sub/d.csv", "d\n");
    folder_.write("root/odd [1] %.csv", "o\n");
    std::filesystem::create_directory(folder_ / "root/folder.csv");
    std::filesystem::create_symlink(folder_ / "root/sub/d.csv", folder_ / "root/inner.csv");
  }

  // Names of what a URL gives, or the error's code.
  std::string list(const std::string& path) {
    const auto files = list_source_files("file://" + folder_ / path, roots_);
    if (!files.ok()) return files.error().code;
    std::string names;
    for (const SourceFile& file : *files)
      names += (names.empty() ? "" : " ") + std::filesystem::path(file.path).filename().string();
    return names;
  }

  TempFolder folder_;
  std::string outside_;
  std::vector<std::string> roots_{folder_ / "root"};
};

TEST_F(SourceFiles, are_listed_in_the_order_of_their_names) {
  EXPECT_EQ(list("root/a.csv"), "a.csv");
  EXPECT_EQ(list("root/*.csv"), "a.csv b.csv inner.csv odd [1] %.csv") << "folders are passed over";
  EXPECT_EQ(list("root/?.csv"), "a.csv b.csv");
  EXPECT_EQ(list("root/*/*.csv"), "d.csv");
  EXPECT_EQ(list("root/odd%20[1]%20%25.csv"), "odd [1] %.csv") << "[ is no wildcard";
  EXPECT_EQ(list("root/sub/../a.csv"), "a.csv");
  EXPECT_EQ(list("root/inner.csv"), "inner.csv") << "a link that stays below the root";
}

TEST_F(SourceFiles, that_are_not_there_are_missed) {
  EXPECT_EQ(list("root/none.csv"), "source.not_found");
  EXPECT_EQ(list("root/none*.csv"), "source.not_found");
  EXPECT_EQ(list("root/none/x.csv"), "source.not_found");
  EXPECT_EQ(list("root/folder.csv"), "source.not_found") << "no regular file";
  EXPECT_EQ(list("root/fold*"), "source.not_found");
}

TEST_F(SourceFiles, outside_of_the_roots_are_refused_however_they_are_named) {
  std::filesystem::create_symlink(outside_, folder_ / "root/link.csv");
  std::filesystem::create_directory_symlink(folder_ / "outside", folder_ / "root/linked");
  std::filesystem::create_symlink("../outside/secret.csv", folder_ / "root/relative.csv");
  std::filesystem::create_directory(folder_ / "root-beside");
  folder_.write("root-beside/x.csv", "x");
  for (const char* const path :
       {"outside/secret.csv", "outside/*.csv", "root/../outside/secret.csv", "root/link.csv",
        "root/linked/secret.csv", "root/linked/*.csv", "root/relative.csv", "root/rel*.csv",
        "root-beside/x.csv", "root/%2e%2e/outside/secret.csv", "root/*/../../outside/secret.csv"})
    EXPECT_EQ(list(path), "source.outside_roots") << path;
  roots_.clear();
  EXPECT_EQ(list("root/a.csv"), "source.outside_roots") << "no root allows nothing";
}

// Neither which folders and files there are outside, nor how they are called.
TEST_F(SourceFiles, outside_of_the_roots_are_not_told_of) {
  std::filesystem::create_directory_symlink(folder_ / "outside", folder_ / "root/linked");
  const auto error_of = [&](const std::string& path) {
    const auto files = list_source_files("file://" + folder_ / path, roots_);
    return files.ok() ? "" : files.error().to_text();
  };
  const std::vector<std::pair<std::string, std::string>> kThereAndNot = {
      {"root/s*/../../outside/sec*.csv", "root/s*/../../outside/nothing*"},
      {"root/*/../../outside/secret.csv", "root/*/../../nowhere/secret.csv"},
      {"root/s*/../../out*/secret.csv", "root/s*/../../nowhere*/secret.csv"},
      {"root/l*/sec*.csv", "root/l*/nothing*.csv"},
      {"root/l*/secret.csv", "root/l*/nothing.csv"},
      {"outside/secret.csv", "nowhere/secret.csv"},
      {"outside/sec*", "nowhere/sec*"}};
  for (const auto& [there, not_there] : kThereAndNot) {
    const std::string told = error_of(there);
    EXPECT_TRUE(told.starts_with("source.outside_roots")) << there << " " << told;
    EXPECT_TRUE(error_of(not_there).starts_with("source.outside_roots"))
        << not_there << " " << error_of(not_there);
    for (const char* const name : {"secret", "outside/"})
      EXPECT_TRUE(there.find(name) != std::string::npos || told.find(name) == std::string::npos)
          << there << " " << told;
  }
}

TEST_F(SourceFiles, of_a_pattern_may_lie_in_several_folders) {
  folder_.write("root/sub/deep/e.csv", "e");
  folder_.write("root/other/deep/e.csv", "e");
  folder_.write("root/.hidden/deep/e.csv", "e");
  EXPECT_EQ(list("root/*/deep/e.csv"), "e.csv e.csv");
  EXPECT_EQ(list("root/*/d*/*.csv"), "e.csv e.csv") << "a leading dot is not matched by *";
  EXPECT_EQ(list("root/.h*/deep/?.csv"), "e.csv");
  EXPECT_EQ(list("root/*/../a.csv"), "a.csv a.csv a.csv") << "sub, other and folder.csv";
  EXPECT_EQ(list("root/a*/x.csv"), "source.not_found") << "a file is no folder";
}

TEST_F(SourceFiles, a_name_that_is_no_text_is_written_so_that_it_is) {
  EXPECT_EQ(printable("/a/märz \xF0\x9F\x8C\xBE.csv"), "/a/märz \xF0\x9F\x8C\xBE.csv");
  EXPECT_EQ(printable("/a/\xFF\xC3.csv\xE2\x82"), "/a/\\xff\\xc3.csv\\xe2\\x82");
  EXPECT_NE(list_source_files("file://" + folder_ / "root/%ff.csv", roots_)
                .error()
                .message.find("\\xff.csv"),
            std::string::npos);
}

TEST_F(SourceFiles, that_are_no_files_are_refused_without_waiting) {
  ASSERT_EQ(::mkfifo((folder_ / "root/pipe").c_str(), 0600), 0);
  EXPECT_EQ(list("root/pipe"), "source.not_found");
  roots_.emplace_back("/dev");
  EXPECT_FALSE(list_source_files("file:///dev/zero", roots_).ok());
}

TEST_F(SourceFiles, urls_that_are_none_are_refused) {
  for (const char* const url : {"", "s3://bucket/x", "file:x", "file://host/x", "/data/x.csv",
                                "file:///x%", "file:///x%2", "file:///x%zz", "file:///x%00y"})
    EXPECT_EQ(list_source_files(url, roots_).error().code, "source.url_invalid") << url;
  EXPECT_TRUE(list_source_files("file://localhost" + folder_ / "root/a.csv", roots_).ok());
}

TEST_F(SourceFiles, folders_are_made_below_the_roots_alone) {
  const auto made = make_folder_below(folder_ / "root/new/deeper", roots_);
  ASSERT_TRUE(made.ok()) << made.error().to_text();
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "root/new/deeper"));
  std::filesystem::create_directory_symlink(folder_ / "outside", folder_ / "root/linked");
  for (const char* const path : {"outside/new", "root/../outside/new", "root/linked/new", "root-x"})
    EXPECT_EQ(make_folder_below(folder_ / path, roots_).error().code, "source.outside_roots")
        << path;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "outside/new"));
  for (const std::string path : {"root/a.csv/x", "root/a.csv"}) {
    const Error error = make_folder_below(folder_ / path, roots_).error();
    EXPECT_EQ(error.code, "deliver.not_a_folder") << path;
    EXPECT_EQ(error.error_class, ErrorClass::kUser) << path;
  }
}

}  // namespace
}  // namespace millrace::kernel
