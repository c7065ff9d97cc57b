#include "manifest/document.h"

#include <gtest/gtest.h>

#include "base/contents.h"
#include "manifest/codec.h"
#include "manifest/generated/schema.h"
#include "manifest/testing.h"

namespace millrace::manifest {
namespace {

const std::string& flights_text() {
  static const std::string kText = contents_of_file(testdata() / "flights.yaml");
  return kText;
}

std::string told(const Parsed& parsed) {
  std::string text;
  for (const Problem& problem : parsed.problems) text += problem.to_text() + "\n";
  return text;
}

TEST(Documents, become_structs_with_every_default) {
  const Parsed parsed = parse(flights_text(), "flights.yaml");
  ASSERT_EQ(told(parsed), "");
  ASSERT_EQ(parsed.documents.size(), 2u);
  EXPECT_EQ(parsed.documents[0].name, "flights");
  EXPECT_EQ(parsed.documents[0].ns, "");
  EXPECT_EQ(parsed.documents[1].ns, "demo");
  const auto& workflow = std::get<Workflow>(parsed.documents[0].resource);
  ASSERT_EQ(workflow.spec.tasks.size(), 7u);
  EXPECT_EQ(workflow.metadata.labels.at("team"), "data");
  EXPECT_EQ(workflow.spec.timeout, seconds(5'400));
  EXPECT_EQ(workflow.spec.queue, "default");
  EXPECT_EQ(workflow.spec.concurrency.max_tasks, 4);
  const auto& retry = std::get<Retry>(workflow.spec.on_error[0].action);
  EXPECT_EQ(retry.max_attempts, 6);
  EXPECT_EQ(retry.backoff.max, seconds(300));
  EXPECT_EQ(workflow.spec.on_error[0].match.classes,
            (std::vector{ErrorClass::kTransient, ErrorClass::kInfrastructure}));
  const auto& ingest = std::get<IngestTask>(workflow.spec.tasks[0].kind);
  EXPECT_EQ(ingest.from.url, "${{parameters.source}}/flights.csv");
  EXPECT_EQ(std::get<CsvSource>(ingest.from.format).delimiter, ",");
  EXPECT_EQ(ingest.into.mode, WriteMode::kOverwrite);
  EXPECT_EQ(ingest.into.on_conflict, ConflictPolicy::kRetry);
  EXPECT_EQ(ingest.quarantine.max_rows, 100);
  EXPECT_EQ(ingest.quarantine.dataset, "flights_quarantine");
  EXPECT_EQ(std::get<IngestTask>(workflow.spec.tasks[1].kind).quarantine.max_rows, 0);
  EXPECT_EQ(workflow.spec.tasks[3].resources.hint.cpu, MilliCpu(500));
  EXPECT_EQ(workflow.spec.tasks[3].resources.max.memory, Bytes(std::int64_t{8} << 30));
  EXPECT_EQ(workflow.spec.tasks[6].run_on, RunOn::kAlways);
  EXPECT_EQ(kind_of(workflow.spec.tasks[3]), TaskKind::kQuery);
  EXPECT_EQ(traits_of(TaskKind::kCommand).runs_in, RunsIn::kCommand);
  const auto& run = std::get<WorkflowRun>(parsed.documents[1].resource);
  EXPECT_EQ(run.spec.parameters[0].value, Value(std::int64_t{50}));
  EXPECT_EQ(run.spec.desired_state, DesiredState::kRunning);
}

TEST(Documents, canonical_json_is_a_fixed_point) {
  for (const Document& document : parse(flights_text(), "flights.yaml").documents) {
    const std::string canonical = canonical_json(document);
    const Parsed again = parse(canonical, "flights.json");
    ASSERT_EQ(told(again), "");
    EXPECT_EQ(again.documents.at(0).resource, document.resource);
    EXPECT_EQ(canonical_json(again.documents.at(0)), canonical);
    // JSON is YAML too.
    EXPECT_EQ(parse(canonical, "flights.yaml").documents.at(0).resource, document.resource);
  }
}

TEST(Documents, a_struct_made_by_hand_has_the_defaults_of_a_parsed_one) {
  Task made{.name = "load", .depends_on = {}, .kind = {}};
  IngestTask ingest;
  ingest.from.url = "file:///a";
  ingest.into.dataset = "d";
  ingest.quarantine.dataset = "d_quarantine";
  made.kind = ingest;
  auto parsed = task_from_json(
      R"({"name":"load","ingest":{"from":{"url":"file:///a","csv":{}},"into":{"dataset":"d"}}})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().to_text();
  EXPECT_EQ(*parsed, made);
  EXPECT_EQ(to_json(*parsed), to_json(made));
}

TEST(Documents, stored_ones_are_read_back_and_others_refused) {
  const Parsed parsed = parse(flights_text(), "flights.yaml");
  const auto& workflow = std::get<Workflow>(parsed.documents[0].resource);
  auto again = workflow_from_json(to_json(workflow));
  ASSERT_TRUE(again.ok()) << again.error().to_text();
  EXPECT_EQ(*again, workflow);
  const auto& run = std::get<WorkflowRun>(parsed.documents[1].resource);
  EXPECT_EQ(*workflow_run_from_json(to_json(run)), run);
  EXPECT_EQ(workflow_from_json(to_json(run)).error().code, "document.kind");
  EXPECT_EQ(workflow_from_json("{").error().code, "json.syntax");
  EXPECT_EQ(workflow_from_json("[]").error().code, "value.type");
  for (const Task& task : workflow.spec.tasks) {
    auto template_task = task_template_from_json(to_json(task));
    ASSERT_TRUE(template_task.ok()) << template_task.error().to_text();
    EXPECT_EQ(*template_task, task);
  }
  EXPECT_EQ(task_from_json(R"({"name":"x"})").error().code, "union.none");
  EXPECT_EQ(task_from_json("").error().code, "json.syntax");
}

TEST(Documents, tell_where_fields_and_words_in_sql_stand) {
  const Parsed parsed = parse(flights_text(), "flights.yaml");
  const Document& document = parsed.documents[0];
  EXPECT_EQ(document.locate("/spec/tasks/0"), (Position{14, 5}));
  EXPECT_EQ(document.locate("/spec/tasks/0/ingest/into/dataset"), (Position{17, 23}));
  // Not written down: the nearest around it.
  EXPECT_EQ(document.locate("/spec/tasks/0/queueTimeout"), (Position{14, 5}));
  const auto& sql =
      std::get<QueryTask>(std::get<Workflow>(document.resource).spec.tasks[3].kind).sql;
  EXPECT_EQ(document.locate("/spec/tasks/3/query/sql", sql.find("weather")), (Position{29, 14}));
  EXPECT_EQ(document.locate("/spec/tasks/3/query/sql", sql.find("flights")), (Position{28, 14}));
}

TEST(Documents, positions_count_characters_and_survive_a_byte_order_mark) {
  const std::string text =
      "\xEF\xBB\xBF"
      "apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: a, annotations: {ü: "
      "\"äöü\", x: 1}}\n"
      "spec: {tasks: [{name: a, command: {argv: [/bin/true]}}]}\n";
  const Parsed parsed = parse(text, "f.yaml");
  EXPECT_EQ(
      told(parsed),
      "f.yaml:3:48 metadata.annotations.x: 1 is a number, not text. Write it in quotes, \"1\".\n");
}

TEST(Documents, windows_line_ends_change_nothing) {
  std::string text;
  for (char c : flights_text()) text += c == '\n' ? "\r\n" : std::string(1, c);
  const Parsed parsed = parse(text, "flights.yaml");
  ASSERT_EQ(told(parsed), "");
  EXPECT_EQ(parsed.documents[0].locate("/spec/tasks/3/query/sql"), (Position{26, 12}));
}

TEST(Documents, sizes_are_bounded) {
  EXPECT_EQ(parse(std::string((1 << 20) + 1, ' '), "f.yaml").problems.at(0).error.code,
            "document.size");
  EXPECT_EQ(parse(std::string(64, '['), "f.json").problems.at(0).error.code, "document.depth");
  std::string many = "[";
  for (int i = 0; i < 200'001; ++i) many += "1,";
  EXPECT_EQ(parse(many + "1]", "f.json").problems.at(0).error.code, "document.nodes");
  EXPECT_EQ(parse(many + "1]", "f.yaml").problems.at(0).error.code, "document.nodes");
  EXPECT_EQ(parse("a: \xFF", "f.yaml").problems.at(0).error.code, "document.encoding");
  EXPECT_EQ(parse("\"\xFF\"", "f.json").problems.at(0).error.code, "document.encoding");
  EXPECT_EQ(parse("", "f.yaml").problems.at(0).error.code, "document.empty");
  EXPECT_EQ(parse("---\n---\n", "f.yaml").problems.at(0).error.code, "document.empty");
}

TEST(Documents, a_thousand_problems_are_told_as_a_hundred) {
  std::string text =
      "apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\nspec:\n";
  for (int i = 0; i < 1'000; ++i) text += "  x" + std::to_string(i) + ": 1\n";
  const Parsed parsed = parse(text, "f.yaml");
  EXPECT_GE(parsed.problems.size(), 50u);
  EXPECT_LE(parsed.problems.size(), 101u);
}

void expect_docs(const ObjectSchema& schema) {
  for (const FieldSchema& field : schema.fields) {
    EXPECT_TRUE(field.doc.ends_with('.')) << schema.name << "." << field.name;
    if (field.value.object != nullptr) expect_docs(*field.value.object);
    if (field.value.item != nullptr && field.value.item->object != nullptr)
      expect_docs(*field.value.item->object);
  }
}

TEST(Schemas, say_something_of_every_field) {
  EXPECT_EQ(resource_schemas().size(), 2u);
  for (const ResourceSchema& resource : resource_schemas()) expect_docs(*resource.spec);
}

TEST(Document, comes_back_as_a_scheduler_shows_it) {
  const Parsed parsed = parse(R"({"apiVersion": "millrace.io/v1alpha1", "kind": "Workflow",
    "metadata": {"name": "f", "namespace": "default", "uid": "01", "generation": 3,
                 "resourceVersion": "17", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"tasks": [{"name": "a", "command": {"argv": ["/bin/true"]}}]}})",
                              "", Syntax::kJson);
  ASSERT_TRUE(parsed.ok()) << parsed.problems.front().to_text();
  const Document& document = parsed.documents.front();
  EXPECT_EQ(document.resource_version, "17");
  // None of it is the document's own.
  const std::string canonical = canonical_json(document);
  EXPECT_EQ(canonical.find("17"), std::string::npos);
  EXPECT_EQ(canonical.find("generation"), std::string::npos);
  EXPECT_TRUE(workflow_from_json(canonical).ok());
}

TEST(Document, names_no_version_unless_it_says_so) {
  const std::string text =
      "apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: f, resourceVersion: {}}\n"
      "spec: {tasks: [{name: a, command: {argv: [/bin/true]}}]}\n";
  const Parsed wrong = parse(text, "f.yaml");
  ASSERT_EQ(wrong.problems.size(), 1U);
  EXPECT_EQ(wrong.problems[0].to_text(),
            "f.yaml:3:38 metadata.resourceVersion: is an object, not text. Leave it out, or as it "
            "was shown.");
}

}  // namespace
}  // namespace millrace::manifest
