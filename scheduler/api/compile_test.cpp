#include "scheduler/api/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "scheduler/api/testing/fake_sql.h"

namespace millrace::api {
namespace {

using scheduler::RetryRow;
using scheduler::TaskIndex;
using scheduler::TaskSpec;

std::string workflow(const std::string& spec) {
  return "apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n" + spec;
}

Result<Compiled> compiled(const std::string& text) {
  return compile({.text = text, .syntax = manifest::Syntax::kYaml, .name = {"default", "w"}},
                 fake_analyze);
}

// The spec of tasks that compile.
scheduler::WorkflowSpec spec(const std::string& text) {
  const Result<Compiled> result = compiled(workflow(text));
  EXPECT_TRUE(result.ok());
  for (const manifest::Problem& problem : result->problems) ADD_FAILURE() << problem.to_text();
  return result->spec ? *result->spec : scheduler::WorkflowSpec{};
}

// "line:column code pointer", one a problem.
std::vector<std::string> problems(const std::string& text) {
  const Result<Compiled> result = compiled(text);
  if (!result.ok()) return {"error " + result.error().code};
  std::vector<std::string> lines;
  for (const manifest::Problem& problem : result->problems)
    lines.push_back(std::to_string(problem.line) + ":" + std::to_string(problem.column) + " " +
                    problem.error.code + " " + problem.pointer);
  return lines;
}

std::vector<std::string> needs(const scheduler::WorkflowSpec& of, std::size_t task) {
  std::vector<std::string> names;
  for (const TaskIndex need : of.tasks.at(task).needs) names.push_back(of.tasks[need.value()].name);
  return names;
}

using Names = std::vector<std::string>;

constexpr const char* kIngest =
    "  - {name: load, ingest: {from: {url: \"file:///d/f.csv\", csv: {}}, into: {dataset: "
    "flights}}}\n";
constexpr const char* kQuery =
    "  - {name: count, query: {sql: SELECT 1 FROM flights, into: {dataset: counts}}}\n";

TEST(Compile, kinds_become_traits_reads_and_writes) {
  const auto of = spec(std::string("  tasks:\n") + kIngest + kQuery +
                       "  - {name: out, deliver: {dataset: counts, to: {objectStore: {url: "
                       "\"file:///o\", csv: {}}}}}\n"
                       "  - {name: tell, command: {argv: [/bin/tell], reads: [counts]}}\n");
  ASSERT_EQ(of.tasks.size(), 4u);
  const TaskSpec& load = of.tasks[0];
  EXPECT_EQ(load.kind, "ingest");
  EXPECT_TRUE(load.reads.empty());
  ASSERT_EQ(load.writes.size(), 2u);
  EXPECT_EQ(load.writes[0].dataset, "flights");
  EXPECT_EQ(load.writes[0].mode, scheduler::WriteMode::kOverwrite);
  EXPECT_EQ(load.writes[1].dataset, "flights_quarantine");
  EXPECT_EQ(load.writes[1].mode, scheduler::WriteMode::kOverwrite);
  EXPECT_FALSE(load.publishes);
  EXPECT_EQ(of.tasks[1].reads, Names({"flights"}));
  EXPECT_EQ(of.tasks[1].writes[0].dataset, "counts");
  EXPECT_EQ(of.tasks[2].reads, Names({"counts"}));
  EXPECT_TRUE(of.tasks[2].publishes);
  EXPECT_TRUE(of.tasks[2].writes.empty());
  EXPECT_EQ(of.tasks[3].kind, "command");
  EXPECT_EQ(of.tasks[3].reads, Names({"counts"}));
  EXPECT_EQ(of.external_reads, Names({"counts", "flights"}));
}

TEST(Compile, modes_and_conflicts_are_kept) {
  const auto of = spec(
      "  tasks:\n"
      "  - name: a\n"
      "    ingest:\n"
      "      from: {url: \"file:///d\", ndjson: {}}\n"
      "      into: {dataset: x, mode: Append, onConflict: Fail}\n"
      "      quarantine: {dataset: bad, maxRows: 3}\n"
      "  - {name: b, query: {sql: SELECT 1, into: {dataset: z, mode: Append}}}\n");
  EXPECT_EQ(of.tasks[0].writes[0].mode, scheduler::WriteMode::kAppend);
  EXPECT_EQ(of.tasks[0].writes[0].on_conflict, scheduler::OnConflict::kFail);
  EXPECT_EQ(of.tasks[0].writes[1].dataset, "bad");
  EXPECT_EQ(of.tasks[0].writes[1].mode, scheduler::WriteMode::kAppend);
  EXPECT_EQ(of.tasks[0].writes[1].on_conflict, scheduler::OnConflict::kRetry);
  EXPECT_EQ(of.tasks[1].writes[0].mode, scheduler::WriteMode::kAppend);
}

TEST(Compile, edges_follow_data_outputs_and_depends_on) {
  const auto of = spec(
      "  tasks:\n"
      "  - {name: late, dependsOn: [first], command: {argv: [/bin/l]}}\n"
      "  - {name: count, query: {sql: SELECT 1 FROM flights, into: {dataset: counts}}}\n"
      "  - {name: first, command: {argv: [/bin/f]}, outputs: [{name: kept, integer: {}}]}\n"
      "  - {name: load, ingest: {from: {url: \"file:///d/f\", csv: {}}, into: {dataset: "
      "flights}}}\n"
      "  - {name: use, command: {argv: [/bin/u, \"${{tasks.first.outputs.kept}}\"], reads: "
      "[counts]}}\n");
  EXPECT_EQ(needs(of, 0), Names({"first"}));
  EXPECT_EQ(needs(of, 1), Names({"load"}));
  EXPECT_EQ(needs(of, 2), Names());
  EXPECT_EQ(needs(of, 4), Names({"count", "first"}));
  EXPECT_THAT(of.dependents[2], ::testing::ElementsAre(TaskIndex(0), TaskIndex(4)));
}

TEST(Compile, tasks_that_look_at_the_run_wait_for_all_others) {
  const auto of =
      spec(std::string("  tasks:\n"
                       "  - {name: tidy, runOn: Always, command: {argv: [/bin/t]}}\n") +
           kIngest + kQuery +
           "  - {name: page, runOn: Failure, command: {argv: [/bin/p]}}\n"
           "  - {name: one, runOn: Failure, dependsOn: [load], command: {argv: [/bin/o]}}\n");
  EXPECT_EQ(needs(of, 0), Names({"load", "count", "one"}));
  EXPECT_EQ(needs(of, 3), Names({"load", "count", "one"}));
  EXPECT_EQ(needs(of, 4), Names({"load"}));
  EXPECT_EQ(of.tasks[0].run_on, scheduler::RunOn::kAlways);
  EXPECT_EQ(of.tasks[3].run_on, scheduler::RunOn::kFailure);
  EXPECT_EQ(of.tasks[1].run_on, scheduler::RunOn::kSuccess);
}

TEST(Compile, requests_have_defaults_and_a_ceiling) {
  struct Case {
    const char* resources;
    scheduler::Resources expected;
  };
  const Case cases[] = {
      {"", {MilliCpu(500), mebibytes(512), Bytes(0)}},
      {", resources: {hint: {cpu: 2, memory: 4Gi, disk: 1Gi}}",
       {MilliCpu(2000), mebibytes(4096), mebibytes(1024)}},
      {", resources: {hint: {memory: 64Mi}}", {MilliCpu(500), mebibytes(64), Bytes(0)}},
      {", resources: {max: {cpu: 250m, memory: 256Mi}}", {MilliCpu(250), mebibytes(256), Bytes(0)}},
      {", resources: {max: {memory: 8Gi}}", {MilliCpu(500), mebibytes(512), Bytes(0)}},
      {", resources: {max: {disk: 20Mi}}", {MilliCpu(500), mebibytes(512), mebibytes(20)}},
      {", resources: {hint: {disk: 5Mi}, max: {disk: 20Mi}}",
       {MilliCpu(500), mebibytes(512), mebibytes(5)}},
  };
  for (const Case& c : cases) {
    const auto of = spec(std::string("  tasks:\n  - {name: a, command: {argv: [/bin/a]}") +
                         c.resources + "}\n");
    EXPECT_EQ(of.tasks.at(0).request, c.expected) << c.resources;
  }
  const scheduler::Resources data{MilliCpu(1000), mebibytes(1024), Bytes(0)};
  EXPECT_EQ(spec(std::string("  tasks:\n") + kIngest).tasks.at(0).request, data);
}

TEST(Compile, timeouts_are_none_unless_given) {
  const auto none = spec(std::string("  tasks:\n") + kIngest);
  EXPECT_EQ(none.timeout, Micros(0));
  EXPECT_EQ(none.tasks[0].timeout, Micros(0));
  EXPECT_EQ(none.tasks[0].attempt_timeout, Micros(0));
  EXPECT_EQ(none.tasks[0].queue_timeout, Micros(0));
  EXPECT_EQ(none.max_parallel, 0u);
  EXPECT_EQ(none.queue, "default");
  const auto given = spec(
      "  timeout: 6h\n  queue: analytics\n  concurrency: {maxTasks: 3}\n  tasks:\n"
      "  - {name: a, command: {argv: [/bin/a]}, timeout: 1h30m, attemptTimeout: 20m, queueTimeout: "
      "30s}\n");
  EXPECT_EQ(given.timeout, seconds(6 * 3600));
  EXPECT_EQ(given.queue, "analytics");
  EXPECT_EQ(given.max_parallel, 3u);
  EXPECT_EQ(given.tasks[0].timeout, seconds(5400));
  EXPECT_EQ(given.tasks[0].attempt_timeout, seconds(1200));
  EXPECT_EQ(given.tasks[0].queue_timeout, seconds(30));
}

TEST(Compile, error_rules_become_rows) {
  const auto of = spec(
      "  onError:\n"
      "  - {match: {classes: [Transient, Infrastructure]}, retry: {maxAttempts: 6, backoff: "
      "{initial: 2s, max: 5m}, "
      "elsewhere: true}}\n"
      "  - {fail: Run}\n"
      "  tasks:\n"
      "  - name: a\n"
      "    command: {argv: [/bin/a]}\n"
      "    onError:\n"
      "    - {match: {codes: [command.exit], exitCodes: [3, 4]}, fail: Task}\n"
      "    - {retry: {}}\n");
  ASSERT_EQ(of.on_error.size(), 2u);
  const RetryRow expected{.classes = {ErrorClass::kTransient, ErrorClass::kInfrastructure},
                          .codes = {},
                          .exit_codes = {},
                          .action = RetryRow::Action::kRetry,
                          .max_attempts = 6,
                          .backoff_initial = seconds(2),
                          .backoff_max = seconds(300),
                          .elsewhere = true};
  EXPECT_EQ(of.on_error[0], expected);
  EXPECT_EQ(of.on_error[1].action, RetryRow::Action::kFailRun);
  ASSERT_EQ(of.tasks[0].on_error.size(), 2u);
  EXPECT_EQ(of.tasks[0].on_error[0].codes, Names({"command.exit"}));
  EXPECT_EQ(of.tasks[0].on_error[0].exit_codes, std::vector<int>({3, 4}));
  EXPECT_EQ(of.tasks[0].on_error[0].action, RetryRow::Action::kFailTask);
  EXPECT_EQ(of.tasks[0].on_error[1].max_attempts, 3u);
}

TEST(Compile, problems_have_their_places) {
  struct Case {
    const char* what;
    std::string text;
    std::vector<std::string> expected;
  };
  const std::string head = "apiVersion: millrace.io/v1alpha1\n";
  const Case cases[] = {
      {"another name",
       head + "kind: Workflow\nmetadata: {name: x}\nspec:\n  tasks:\n" + kIngest,
       {"3:18 document.name /metadata/name"}},
      {"another namespace",
       head + "kind: Workflow\nmetadata: {name: w, namespace: prod}\nspec:\n  tasks:\n" + kIngest,
       {"3:32 document.namespace /metadata/namespace"}},
      {"another kind",
       head + "kind: WorkflowRun\nmetadata: {name: w}\nspec: {workflow: v}\n",
       {"2:7 document.kind /kind"}},
      {"sql",
       workflow("  tasks:\n  - name: a\n    query:\n      sql: syntax error\n      into: {dataset: "
                "d}\n"),
       {"8:12 sql.syntax /spec/tasks/0/query/sql"}},
      {"sql's parameter",
       workflow("  tasks:\n  - name: a\n    query:\n      sql: |\n        SELECT 1\n        WHERE "
                "$x\n      into: "
                "{dataset: d}\n"),
       {"10:15 parameter.unknown /spec/tasks/0/query/sql"}},
      {"circle",
       workflow("  tasks:\n"
                "  - {name: a, query: {sql: SELECT 1 FROM z, into: {dataset: x}}}\n"
                "  - {name: b, query: {sql: SELECT 1 FROM x, into: {dataset: z}}}\n"),
       {"6:5 graph.circle /spec/tasks/0"}},
      {"all at once",
       workflow("  tasks:\n"
                "  - {name: a, query: {sql: syntax error, into: {dataset: x}}}\n"
                "  - {name: b, query: {sql: SELECT $nope, into: {dataset: z}}}\n"),
       {"6:28 sql.syntax /spec/tasks/0/query/sql",
        "7:35 parameter.unknown /spec/tasks/1/query/sql"}},
      {"all at once, of a task that can't be read too",
       workflow("  tasks:\n"
                "  - {name: a, query: {sqll: SELECT 1, into: {dataset: x}}}\n"
                "  - {name: b, dependsOn: [c], query: {sql: SELECT $nope, into: {dataset: z}}}\n"
                "  - {name: c, dependsOn: [b], command: {argv: [a]}}\n"),
       {"6:23 field.unknown /spec/tasks/0/query/sqll", "7:5 graph.circle /spec/tasks/1",
        "7:51 parameter.unknown /spec/tasks/1/query/sql"}},
      {"no parser",
       workflow("  tasks:\n  - {name: a, query: {sql: no parser, into: {dataset: x}}}\n"),
       {"error sql.parser_unavailable"}},
  };
  for (const Case& c : cases) {
    auto found = problems(c.text);
    // Where a circle is said to begin is the graph's affair; that it is found is what counts here.
    if (std::string(c.what) == "circle") {
      ASSERT_EQ(found.size(), 1u);
      EXPECT_NE(found[0].find("graph.circle"), std::string::npos) << found[0];
      continue;
    }
    EXPECT_EQ(found, c.expected) << c.what;
  }
}

TEST(Compile, the_same_document_has_the_same_hash_however_it_is_written) {
  const auto plain = compiled(workflow(std::string("  tasks:\n") + kIngest));
  const auto json = compile(
      {.text =
           R"({"kind":"Workflow","apiVersion":"millrace.io/v1alpha1","metadata":{"namespace":"default","name":"w"},
       "spec":{"tasks":[{"ingest":{"into":{"mode":"Overwrite","dataset":"flights"},
       "from":{"url":"file:///d/f.csv","csv":{}}},"name":"load"}]}})",
       .syntax = manifest::Syntax::kJson,
       .name = {"default", "w"}},
      fake_analyze);
  ASSERT_TRUE(json.ok() && json->problems.empty());
  EXPECT_EQ(plain->hash, json->hash) << plain->canonical_json << "\n" << json->canonical_json;
  EXPECT_EQ(plain->canonical_json.find("namespace"), std::string::npos);
  EXPECT_EQ(*plain->spec, *json->spec);
}

// --- datasets that nobody has ---

TEST(UnknownDatasets, are_those_without_head_writer_or_promise) {
  const auto reads =
      compiled(workflow("  tasks:\n"
                        "  - {name: a, query: {sql: \"SELECT 1 FROM there JOIN promised JOIN own "
                        "JOIN ther\", into: {dataset: own, mode: "
                        "Append}}}\n"));
  ASSERT_TRUE(reads.ok() && reads->problems.empty());
  scheduler::State state;
  state.put_head({"default", "there"}, {});
  state.put_head({"elsewhere", "ther"}, {});
  auto writer = std::make_shared<scheduler::WorkflowSpec>();
  writer->tasks.emplace_back();
  writer->tasks[0].writes.push_back({.dataset = "promised"});
  state.put_document({"workflows", {"default", "writer"}},
                     {.generation = 1, .body_hash = {}, .spec = writer});
  const UnknownDatasets unknown = unknown_datasets(*reads, "default", state);
  ASSERT_EQ(unknown.reads.size(), 1u);
  EXPECT_EQ(unknown.reads[0].dataset, "ther");
  Compiled with = *reads;
  add_unknown(with, unknown);
  ASSERT_EQ(with.problems.size(), 1u);
  EXPECT_EQ(with.problems[0].error.code, "dataset.unknown");
  EXPECT_EQ(with.problems[0].error.hint, "did you mean there?");
  EXPECT_EQ(with.problems[0].line, 6);
  // In the namespace where it is, it is known.
  state.put_head({"default", "ther"}, {});
  EXPECT_TRUE(unknown_datasets(*reads, "default", state).reads.empty());
}

// --- random graphs ---

// Whatever graph without circles is written down: what compiles has exactly the edges that were
// drawn.
TEST(Compile, random_graphs_keep_their_edges) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const std::size_t count = 1 + random() % 12;
    std::vector<std::vector<std::size_t>> reads(count);
    std::vector<std::size_t> places(count);
    for (std::size_t i = 0; i < count; ++i) places[i] = i;
    std::shuffle(places.begin(), places.end(), random);
    std::vector<std::string> lines(count);
    for (std::size_t i = 0; i < count; ++i) {
      std::string from;
      for (std::size_t j = 0; j < i; ++j) {
        if (random() % 3 != 0) continue;
        reads[i].push_back(j);
        from += (from.empty() ? " FROM d" : " JOIN d") + std::to_string(j);
      }
      lines[places[i]] = "  - {name: t" + std::to_string(i) + ", query: {sql: SELECT 1" + from +
                         ", into: {dataset: d" + std::to_string(i) + "}}}\n";
    }
    std::string text = "  tasks:\n";
    for (const std::string& line : lines) text += line;
    const auto of = spec(text);
    ASSERT_EQ(of.tasks.size(), count) << "seed " << seed;
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<TaskIndex> expected;
      for (const std::size_t j : reads[i])
        expected.emplace_back(static_cast<std::uint32_t>(places[j]));
      std::sort(expected.begin(), expected.end());
      EXPECT_EQ(of.tasks[places[i]].needs, expected) << "seed " << seed << "\n" << text;
    }
  }
}

}  // namespace
}  // namespace millrace::api
