#include "manifest/reference.h"

#include <gtest/gtest.h>

#include "manifest/codec.h"

namespace millrace::manifest {
namespace {

TEST(Holes, are_the_three_references) {
  const std::string text = "a ${{parameters.x}} ${{ run.id }}${{tasks.t.outputs.o}}";
  const Holes found = find_holes(text);
  ASSERT_EQ(found.holes.size(), 3u);
  EXPECT_TRUE(found.errors.empty());
  EXPECT_EQ(found.holes[0].reference, Reference(ParameterReference{"x"}));
  EXPECT_EQ(text.substr(found.holes[0].begin, found.holes[0].end - found.holes[0].begin),
            "${{parameters.x}}");
  EXPECT_EQ(found.holes[1].reference, Reference(RunIdReference{}));
  EXPECT_EQ(found.holes[2].reference, Reference(OutputReference{"t", "o"}));
  EXPECT_EQ(to_string(found.holes[2].reference), "tasks.t.outputs.o");
  EXPECT_TRUE(find_holes("$x {{y}} $ {{ z }}").holes.empty());
}

TEST(Holes, take_nothing_else) {
  const struct {
    const char* text;
    const char* code;
  } rows[] = {
      {"${{}}", "reference.unsupported"},
      {"${{parameters}}", "reference.unsupported"},
      {"${{parameters.x + 1}}", "reference.unsupported"},
      {"${{parameters.X}}", "reference.unsupported"},
      {"${{parameters.x.y}}", "reference.unsupported"},
      {"${{run.name}}", "reference.unsupported"},
      {"${{tasks.t.output.o}}", "reference.unsupported"},
      {"${{\"a\"}}", "reference.unsupported"},
      {"${{parameter.x}}", "reference.unknown"},
      {"${{task.t.outputs.o}}", "reference.unknown"},
      {"${{parameters.x", "reference.open"},
      {"${{parameters.x}", "reference.open"},
  };
  for (const auto& row : rows) {
    const Holes found = find_holes(row.text);
    EXPECT_TRUE(found.holes.empty()) << row.text;
    ASSERT_EQ(found.errors.size(), 1u) << row.text;
    EXPECT_EQ(found.errors[0].error.code, row.code) << row.text;
  }
  EXPECT_EQ(find_holes("ab ${{x}} ${{y").errors[1].offset, 10u);
}

const ReferenceValues& values() {
  static const ReferenceValues kValues{
      .parameters = {{"text", std::string("a b\"c")},
                     {"number", std::int64_t{42}},
                     {"flag", true},
                     {"list", std::vector<std::string>{"a"}},
                     {"trick", std::string("${{parameters.number}}")}},
      .run_id = "r1",
      .outputs = {{{"count", "rows"}, std::int64_t{7}}}};
  return kValues;
}

std::string command(const std::string& argument) {
  return R"({"name":"t","command":{"argv":["/bin/echo",")" + argument + R"("]}})";
}

TEST(Resolve, keeps_the_type_of_a_lone_hole) {
  EXPECT_EQ(*resolve(command("${{parameters.number}}"), values()),
            R"({"command":{"argv":["/bin/echo",42]},"name":"t"})");
  EXPECT_EQ(*resolve(command("${{ parameters.flag }}"), values()),
            R"({"command":{"argv":["/bin/echo",true]},"name":"t"})");
  EXPECT_EQ(*resolve(command("${{parameters.list}}"), values()),
            R"({"command":{"argv":["/bin/echo",["a"]]},"name":"t"})");
}

TEST(Resolve, writes_values_out_among_text) {
  EXPECT_EQ(*resolve(command("n=${{parameters.number}},${{parameters.flag}} "
                             "${{run.id}}/${{tasks.count.outputs.rows}}"),
                     values()),
            R"({"command":{"argv":["/bin/echo","n=42,true r1/7"]},"name":"t"})");
  EXPECT_EQ(resolve(command("x${{parameters.list}}"), values()).error().code, "reference.list");
  EXPECT_EQ(resolve(command("${{parameters.missing}}"), values()).error().code,
            "reference.unknown");
  EXPECT_EQ(resolve(command("${{tasks.count.outputs.cols}}"), values()).error().code,
            "reference.unknown");
  EXPECT_EQ(resolve("[]", values()).error().code, "value.json");
  EXPECT_EQ(resolve("{", values()).error().code, "value.json");
}

// Data never becomes code: values are escaped by JSON, never looked at again, and SQL has no holes
// at all.
TEST(Resolve, does_not_look_into_values_or_other_fields) {
  auto resolved = resolve(command("${{parameters.trick}}${{parameters.text}}"), values());
  ASSERT_TRUE(resolved.ok());
  auto task = task_from_json(*resolved);
  ASSERT_TRUE(task.ok()) << task.error().to_text();
  EXPECT_EQ(std::get<CommandTask>(task->kind).argv[1], "${{parameters.number}}a b\"c");
  const std::string query =
      R"({"name":"q","query":{"into":{"dataset":"d"},"sql":"SELECT '${{parameters.number}}'"}})";
  EXPECT_EQ(resolve(query, values())->find("42"), std::string::npos);
}

TEST(Resolve, numbers_and_booleans_are_text_to_a_command) {
  auto task = task_from_json(*resolve(command("${{parameters.number}}"), values()));
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(std::get<CommandTask>(task->kind).argv[1], "42");
}

TEST(Resolve, a_resolved_url_is_checked_for_its_form) {
  const std::string ingest =
      R"({"name":"i","ingest":{"from":{"url":"${{parameters.text}}","csv":{}},"into":{"dataset":"d"}}})";
  EXPECT_TRUE(task_template_from_json(ingest).ok());
  auto task = task_from_json(*resolve(ingest, values()));
  ASSERT_FALSE(task.ok());
  EXPECT_EQ(task.error().code, "value.form");
  EXPECT_EQ(task.error().path, "ingest.from.url");
}

}  // namespace
}  // namespace millrace::manifest
