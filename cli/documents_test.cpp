#include "cli/documents.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "manifest/source.h"
#include "manifest/yaml_reader.h"

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

// With whole documents in the place of <a> and <b>.
std::string with_documents(std::string text) {
  for (const char name : {'a', 'b'}) {
    const std::string mark = {'<', name, '>'};
    for (std::size_t at; (at = text.find(mark)) != std::string::npos;)
      text.replace(at, mark.size(),
                   "apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: " +
                       std::string(1, name) + "}\n");
  }
  return text;
}

TEST(Documents, are_the_same_that_validate_reads) {
  using Names = std::vector<std::string>;
  for (const auto& [pattern, names] : std::vector<std::pair<std::string, Names>>{
           {"<a>", {"a"}},
           {"---\n<a>--- # second\n<b>", {"a", "b"}},
           {"<a>---\t\n<b>---\n", {"a", "b"}},
           {"<a>--- \r\n<b>", {"a", "b"}},
           {"<a>...\n---\n<b>...\n# no more\n", {"a", "b"}},
           {"%YAML 1.2\n---\n<a>", {"a"}},
           {"# first\n%YAML 1.2\n--- # first\n<a>...\n%YAML 1.2\n---\n<b>", {"a", "b"}},
           {"\xEF\xBB\xBF# a comment\n---\n<a>", {"a"}},
           {"\xEF\xBB\xBF<a>", {"a"}},
           {"<a>--- {kind: Workflow, metadata: {name: b}}\n", {"a", "b"}},
           {"<a>description: |\n  x\n  --- y\n", {"a"}},
           {"# nothing\n---\n---\n", {}}}) {
    const std::string text = with_documents(pattern);
    std::vector<std::string> found;
    for (const DocumentText& document : split_documents("f.yaml", text)) {
      found.push_back(document.name);
      EXPECT_EQ(document.kind, "Workflow") << text;
      // By itself, and at the line where it is said to begin, it is one document.
      manifest::Problems problems;
      const manifest::Source alone(document.text, "f.yaml");
      EXPECT_EQ(manifest::read_yaml(alone, {}, problems).size(), 1U) << document.text;
      std::istringstream lines(text);
      std::string line;
      for (int i = 0; i < document.place.first_line; ++i) std::getline(lines, line);
      EXPECT_EQ(line, document.text.substr(0, document.text.find('\n'))) << text;
    }
    EXPECT_EQ(found, names) << text;
    manifest::Problems problems;
    EXPECT_EQ(manifest::read_yaml(manifest::Source(text, "f.yaml"), {}, problems).size(),
              names.size())
        << text;
  }
}

TEST(Documents, of_one_kind_and_name_are_told) {
  const auto documents = split_documents(
      "f.yaml",
      "kind: Workflow\nmetadata: {name: a}\n---\nkind: WorkflowRun\nmetadata: {name: a}\n---\n"
      "kind: Workflow\nmetadata: {name: a, namespace: n}\n---\nkind: Workflow\nmetadata: {name: "
      "a}\n");
  ASSERT_EQ(documents.size(), 4U);
  for (const std::size_t other : {0U, 1U, 2U})
    EXPECT_EQ(doubled_problem(documents, other), std::nullopt);
  const auto problem = doubled_problem(documents, 3);
  ASSERT_TRUE(problem);
  const DocumentPlace place = begin_of(documents[3]);
  EXPECT_EQ(problem_text(*problem, &place),
            "f.yaml:10: error: Workflow a stands in f.yaml, line 1, too. Keep one, or give it "
            "another name.\n");
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
