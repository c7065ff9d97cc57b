// Hostile SQL on its way through the query kind: judged by the runner itself, whatever was judged
// before.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "workers/kernel/testing/temp_folder.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {
namespace {

using millrace::testing::TempFolder;

struct HostileText {
  std::string id;
  std::string expect;  // a code, or "limits"
  std::string text;
};

// The blocks of lib/sql/testdata/hostile.sql, whose form its head describes.
std::vector<HostileText> hostile_texts() {
  const char* const source = std::getenv("MILLRACE_SOURCE_DIR");
  std::ifstream file(std::string(source == nullptr ? "." : source) +
                     "/lib/sql/testdata/hostile.sql");
  std::vector<HostileText> texts;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("-- id: "))
      texts.push_back({line.substr(7), "", ""});
    else if (!texts.empty() && line.starts_with("-- expect: "))
      texts.back().expect = line.substr(11);
    else if (!texts.empty())
      texts.back().text += line + "\n";
  }
  return texts;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

TEST(HostileQuery, is_refused_by_the_runner_itself) {
  const TempFolder folder;
  const std::string canary = folder.write("canary/secret.csv", "secret\nthe-canary-sings\n");
  auto engine = kernel::open_query_engine();
  ASSERT_TRUE(engine.ok()) << engine.error().to_text();
  kernel::Activity activity;
  TaskContext context{**engine, {}, activity, [](const ProcessGroup&) {}, 0};
  int refused = 0;
  for (const HostileText& hostile : hostile_texts()) {
    if (hostile.expect == "limits") continue;
    SCOPED_TRACE(hostile.id);
    TaskRequest request;
    request.data_root = folder / "data";
    request.output_prefix = hostile.id;
    request.scratch_folder = folder / "scratch";
    for (const char* const name : {"t", "flights", "x"})
      request.inputs.push_back({name, "", R"({"columns":[{"name":"a","type":"BIGINT"}]})", {}});
    const manifest::QueryTask task{.sql = replaced(hostile.text, "/canary/secret.csv", canary),
                                   .into = {.dataset = "out"},
                                   .max_rows = std::nullopt};
    request.task.kind = task;
    const Result<TaskSuccess> result = run_task(request, context);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, hostile.expect) << result.error().to_text();
    EXPECT_EQ(result.error().to_text().find("sings"), std::string::npos);
    // Rows for whoever asked are judged by the very same.
    request.rows = manifest::RowQuery{.run = "1",
                                      .sql = task.sql,
                                      .parameters = {},
                                      .format = manifest::RowFormat::kJson,
                                      .max_rows = 100,
                                      .max_bytes = 1 << 20};
    const Result<TaskSuccess> rows = run_task(request, context);
    ASSERT_FALSE(rows.ok());
    EXPECT_EQ(rows.error(), result.error());
    EXPECT_FALSE(std::filesystem::exists(folder / "data"));
    ++refused;
  }
  EXPECT_GE(refused, 80);
}

TEST(FailedAttempt, leaves_no_file_behind_and_takes_no_others) {
  const TempFolder folder;
  auto engine = kernel::open_query_engine();
  ASSERT_TRUE(engine.ok()) << engine.error().to_text();
  kernel::Activity activity;
  TaskContext context{**engine, {}, activity, [](const ProcessGroup&) {}, 0};
  TaskRequest request;
  request.data_root = folder / "data";
  request.output_prefix = "ns/run/0/7";
  request.scratch_folder = folder / "scratch";
  request.task.kind = manifest::QueryTask{
      .sql = "SELECT nothing", .into = {.dataset = "out"}, .max_rows = std::nullopt};
  folder.write("data/ns/run/0/7/out/part-0.parquet", "half of it");
  const std::string other = folder.write("data/ns/run/0/6/out/part-0.parquet", "another's");
  ASSERT_FALSE(run_task(request, context).ok());
  EXPECT_FALSE(std::filesystem::exists(folder / "data/ns/run/0/7"));
  EXPECT_TRUE(std::filesystem::exists(other));
}

}  // namespace
}  // namespace millrace::tasks
