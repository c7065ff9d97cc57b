#include "cli/field_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "manifest/generated/schema.h"

namespace millrace::cli {
namespace {

using ::testing::HasSubstr;

std::string text_of(const std::string& path) {
  const auto text = field_text(path);
  return text.ok() ? *text : text.error().message + ". " + text.error().hint;
}

TEST(FieldText, a_field_with_its_type_meaning_and_fields) {
  EXPECT_EQ(text_of("workflow.spec.concurrency"),
            "KIND:    Workflow\n"
            "VERSION: millrace.io/v1alpha1\n"
            "\n"
            "FIELD: concurrency <Concurrency> (default {})\n"
            "\n"
            "DESCRIPTION:\n"
            "  How much of a run may happen at once.\n"
            "  Limits on what happens at once.\n"
            "\n"
            "FIELDS:\n"
            "  maxTasks <integer, 1 to 10000>\n"
            "    How many tasks of one run may be at work together; no limit of its own when\n"
            "    left out.\n");
}

TEST(FieldText, leads_through_lists_to_kinds_and_values) {
  EXPECT_THAT(text_of("workflow"), HasSubstr("  spec <WorkflowSpec> -required-\n"));
  EXPECT_THAT(text_of("workflow.metadata"), HasSubstr("  name <"));
  EXPECT_THAT(text_of("workflow.spec.tasks"), HasSubstr("  ingest <IngestTask> -one of them-\n"));
  EXPECT_THAT(text_of("workflow.spec.tasks.ingest"), HasSubstr("  from <IngestSource> -required-"));
  EXPECT_EQ(text_of("workflow.spec.tasks[3].ingest"), text_of("Workflow.spec.tasks[].ingest"));
  EXPECT_THAT(text_of("workflow.spec.tasks.ingest.into.mode"), HasSubstr("VALUES:\n  Overwrite\n"));
  EXPECT_THAT(text_of("workflow.spec.tasks.ingest.into.mode"), HasSubstr("<Overwrite|Append>"));
  EXPECT_THAT(text_of("workflowruns.spec"), HasSubstr("  workflow <"));
}

TEST(FieldText, what_is_not_there_is_named_with_the_nearest) {
  EXPECT_EQ(text_of("workflwo.spec"),
            "there is no kind of document \"workflwo\". did you mean workflow?");
  EXPECT_EQ(
      text_of("flights-x7k2p"),
      "there is no kind of document \"flights-x7k2p\". one of: workflow, workflowrun. Of a run "
      "or a task: `millrace explain run NAME`, `explain task NAME/TASK`");
  EXPECT_EQ(text_of("workflow.spec.task"),
            "workflow.spec has no field \"task\". did you mean tasks?");
  EXPECT_EQ(text_of("workflow.spec.timeout.x"),
            "workflow.spec.timeout has no fields. `millrace explain workflow.spec.timeout` tells "
            "what it is");
  EXPECT_THAT(text_of("workflow."), HasSubstr("workflow has no field \"\""));
}

void walk(const manifest::ObjectSchema& object, const std::string& path, int depth) {
  for (const manifest::FieldSchema& field : object.fields) {
    const std::string here = path + "." + std::string(field.name);
    const auto text = field_text(here);
    ASSERT_TRUE(text.ok()) << here;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("    ")) {
        EXPECT_LE(line.size(), 80U) << here;
      }
    const manifest::ValueSchema* value = &field.value;
    while (value->item != nullptr) value = value->item;
    if (value->object != nullptr && depth > 0) walk(*value->object, here, depth - 1);
  }
}

TEST(FieldText, every_field_of_every_kind_is_explained) {
  for (const manifest::ResourceSchema& resource : manifest::resource_schemas())
    walk(*resource.spec, std::string(resource.plural) + ".spec", 8);
}

}  // namespace
}  // namespace millrace::cli
