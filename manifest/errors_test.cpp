// Every file in testdata/errors/ has beside it what a person is told about it.
// MILLRACE_UPDATE_GOLDEN=1 writes the texts anew; read the difference before it is committed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>
#include <vector>

#include "base/contents.h"
#include "manifest/document.h"
#include "manifest/graph.h"
#include "manifest/parameters.h"
#include "manifest/testing.h"

namespace millrace::manifest {
namespace {

// What the SQL parser and the catalog would tell, out of comments at the beginning of a file:
//   # reads TASK: dataset, dataset     # binds TASK: parameter     # known: dataset, dataset
struct World {
  SqlByTask sql;
  std::vector<std::string> known;
};

std::vector<std::string> words_after_colon(const std::string& line) {
  std::istringstream in(line.substr(line.find(':') + 1));
  std::vector<std::string> words;
  for (std::string word; std::getline(in, word, ',');)
    words.push_back(word.substr(word.find_first_not_of(' ')));
  return words;
}

World world_of(const std::string& text, const Workflow& workflow) {
  World world;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line) && line.starts_with("# ");) {
    if (line.starts_with("# known:")) world.known = words_after_colon(line);
    const bool reads = line.starts_with("# reads ");
    if (!reads && !line.starts_with("# binds ")) continue;
    const std::string task = line.substr(8, line.find(':') - 8);
    for (const Task& candidate : workflow.spec.tasks) {
      if (candidate.name != task) continue;
      if (!std::holds_alternative<QueryTask>(candidate.kind)) continue;  // a stand-in
      const std::string& sql = std::get<QueryTask>(candidate.kind).sql;
      SqlFacts& facts = world.sql[task];
      for (const std::string& word : words_after_colon(line))
        (reads ? facts.datasets : facts.parameters)
            .push_back({.name = word, .offset = sql.find(word)});
    }
  }
  return world;
}

Problems problems_of(const std::string& text, const std::string& file) {
  Parsed parsed = parse(text, file);
  std::map<std::string, const Workflow*> workflows;
  for (const Document& document : parsed.documents) {
    Findings findings;
    if (const auto* workflow = std::get_if<Workflow>(&document.resource)) {
      workflows[document.name] = workflow;
      const World world = world_of(text, *workflow);
      const Graph graph = build_graph(*workflow, world.sql);
      findings = graph.findings;
      for (const OutsideRead& read : graph.outside)
        if (std::ranges::find(world.known, read.dataset) == world.known.end())
          findings.push_back(unknown_dataset(graph, read, world.known));
    } else {
      const auto& run = std::get<WorkflowRun>(document.resource);
      if (const auto found = workflows.find(run.spec.workflow); found != workflows.end())
        findings = bind_parameters(found->second->spec.parameters, run.spec.parameters).findings;
    }
    for (const Finding& finding : findings) parsed.problems.push_back(document.place(finding));
  }
  for (const Draft& draft : parsed.drafts) {
    const auto& workflow = std::get<Workflow>(draft.document.resource);
    const World world = world_of(text, workflow);
    for (const Finding& finding : build_graph(workflow, world.sql, draft.unsure).findings)
      parsed.problems.push_back(draft.document.place(finding));
  }
  std::ranges::stable_sort(parsed.problems, {},
                           [](const Problem& p) { return std::tuple(p.line, p.column); });
  return parsed.problems;
}

std::vector<std::filesystem::path> error_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(testdata() / "errors"))
    if (entry.path().extension() != ".txt") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

TEST(Errors, each_file_is_told_what_is_wrong_with_it) {
  const bool update = std::getenv("MILLRACE_UPDATE_GOLDEN") != nullptr;
  const auto files = error_files();
  EXPECT_GE(files.size(), 40u);
  for (const auto& path : files) {
    std::string told;
    const Problems problems = problems_of(contents_of_file(path), path.filename());
    EXPECT_FALSE(problems.empty()) << path;
    for (const Problem& problem : problems) {
      told += problem.to_text() + "\n";
      EXPECT_FALSE(problem.error.code.empty()) << path;
      EXPECT_EQ(problem.error.error_class, ErrorClass::kUser) << path;
    }
    const auto golden =
        std::filesystem::path(path).replace_extension(path.extension().string() + ".txt");
    if (update) std::ofstream(golden) << told;
    EXPECT_EQ(told, contents_of_file(golden))
        << path << " (MILLRACE_UPDATE_GOLDEN=1 writes it anew)";
  }
}

}  // namespace
}  // namespace millrace::manifest
