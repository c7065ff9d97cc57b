#include "cli/documents.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

TEST(Documents, are_split_and_keep_their_lines) {
  const auto documents = split_documents(
      "f.yaml",
      "# first\nkind: Workflow\nmetadata: {name: a}\n---\n# nothing\n---\n"
      "kind: WorkflowRun\nmetadata:\n  name: b\nspec:\n  text: |\n    x\n     ---\n");
  ASSERT_EQ(documents.size(), 2U);
  EXPECT_EQ(documents[0].kind, "Workflow");
  EXPECT_EQ(documents[0].name, "a");
  EXPECT_EQ(documents[0].place.first_line, 1);
  EXPECT_EQ(documents[1].kind, "WorkflowRun");
  EXPECT_EQ(documents[1].name, "b");
  EXPECT_EQ(documents[1].place.first_line, 7);
}

TEST(Documents, what_is_no_yaml_is_left_for_the_scheduler_to_judge) {
  const auto documents = split_documents("f.yaml", "kind: [\n");
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_EQ(documents[0].kind, "");
  EXPECT_EQ(documents[0].text, "kind: [\n");
}

TEST(Documents, come_from_folders_and_standard_input) {
  std::string pattern = ::testing::TempDir() + "documents_XXXXXX";
  const fs::path root = ::mkdtemp(pattern.data());
  std::ofstream(root / "b.yaml") << "kind: B\n";
  std::ofstream(root / "a.json") << "{\"kind\": \"A\"}";
  std::ofstream(root / "notes.txt") << "kind: C\n";
  std::istringstream in("kind: D");
  const auto documents = read_documents({root.string(), "-"}, in);
  ASSERT_TRUE(documents.ok());
  ASSERT_EQ(documents->size(), 3U);
  EXPECT_EQ((*documents)[0].kind, "A");
  EXPECT_EQ((*documents)[1].kind, "B");
  EXPECT_EQ((*documents)[2].kind, "D");
  EXPECT_EQ((*documents)[2].place.source, "<stdin>");

  std::istringstream empty;
  EXPECT_EQ(read_documents({(root / "none.yaml").string()}, empty).error().code, "file.not_found");
  EXPECT_EQ(read_documents({"-"}, empty).error().code, "file.no_documents");
  std::istringstream huge(std::string((1 << 20) + 1, '#'));
  EXPECT_EQ(read_documents({"-"}, huge).error().code, "file.too_large");
  fs::remove_all(root);
}

TEST(Documents, collections) {
  EXPECT_EQ(collection_of_kind("Workflow"), "workflows");
  EXPECT_EQ(collection_of_kind("WorkflowRun"), "runs");
  EXPECT_EQ(collection_of_kind(""), "");
  EXPECT_EQ(collection_of_word("run"), "runs");
  EXPECT_EQ(collection_of_word("snapshots"), "snapshots");
  EXPECT_EQ(collection_of_word("pods"), "");
}

}  // namespace
}  // namespace millrace::cli
