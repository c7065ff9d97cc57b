#include "manifest/parameters.h"

#include <gtest/gtest.h>

namespace millrace::manifest {
namespace {

using Strings = std::vector<std::string>;

std::vector<Parameter> declared() {
  return {
      {.name = "source",
       .type = StringParameter{.default_value = "file:///data", .max_length = 20}},
      {.name = "min", .type = IntegerParameter{.default_value = {}, .minimum = 1, .maximum = 9}},
      {.name = "dry", .type = BooleanParameter{.default_value = false}},
      {.name = "carriers", .type = StringsParameter{.default_value = Strings{}, .max_items = 2}}};
}

TEST(Parameters, are_the_given_values_and_the_defaults) {
  const BoundParameters bound =
      bind_parameters(declared(), {{.name = "min", .value = std::int64_t{3}}});
  EXPECT_TRUE(bound.findings.empty());
  EXPECT_EQ(bound.values.at("min"), Value(std::int64_t{3}));
  EXPECT_EQ(bound.values.at("source"), Value(std::string("file:///data")));
  EXPECT_EQ(bound.values.at("dry"), Value(false));
  EXPECT_EQ(bound.values.at("carriers"), Value(Strings{}));
}

TEST(Parameters, nothing_is_converted) {
  const struct {
    const char* name;
    Value value;
    const char* text;
  } rows[] = {
      {"min", std::string("many"), "min: \"many\" is no integer. Give a whole number."},
      {"min", std::string("3"), "min: \"3\" is no integer. Remove the quotes."},
      {"min", true, "min: true is no integer. Give a whole number."},
      {"min", std::int64_t{0}, "min: 0 is too small. Give at least 1."},
      {"min", std::int64_t{10}, "min: 10 is too great. Give at most 9."},
      {"source", std::int64_t{1}, "source: 1 is no string. Put it in quotes."},
      {"source", std::string(21, 'x'), "source: has 21 characters. Give at most 20."},
      {"dry", std::string("true"), "dry: \"true\" is no boolean. Give true or false."},
      {"carriers", std::string("UA"), "carriers: \"UA\" is no list of strings. Put [ ] around it."},
      {"carriers", Strings{"a", "b", "c"}, "carriers: has 3 items. Give at most 2."},
      {"source", std::string("a\0b", 3), "source: holds a character with the code 0. Remove it."},
      {"carriers", Strings{"a", std::string(1, '\0')},
       "carriers: holds a character with the code 0. Remove it."},
  };
  for (const auto& row : rows) {
    const BoundParameters bound = bind_parameters(
        declared(),
        {{.name = row.name, .value = row.value}, {.name = "min", .value = std::int64_t{1}}});
    ASSERT_EQ(bound.findings.size(), 1u) << row.text;
    EXPECT_EQ((Problem{.error = bound.findings[0].error, .pointer = {}, .file = {}}).to_text(),
              row.text);
    EXPECT_EQ(bound.findings[0].pointer, "/spec/parameters/0/value");
  }
}

TEST(Parameters, unknown_and_missing_ones_are_named_together) {
  const BoundParameters bound =
      bind_parameters(declared(), {{.name = "sorce", .value = std::string("x")}});
  ASSERT_EQ(bound.findings.size(), 2u);
  EXPECT_EQ(bound.findings[0].error.code, "parameter.unknown");
  EXPECT_EQ(bound.findings[0].error.hint, "did you mean source?");
  EXPECT_EQ(bound.findings[1].error.code, "parameter.missing");
  EXPECT_EQ(bound.findings[1].error.path, "spec.parameters") << bound.findings[1].error.message;
}

TEST(Parameters, a_command_line_gives_text) {
  const auto all = declared();
  EXPECT_EQ(*value_from_text(all[0], "012"), Value(std::string("012")));
  EXPECT_EQ(*value_from_text(all[1], "7"), Value(std::int64_t{7}));
  EXPECT_EQ(*value_from_text(all[2], "true"), Value(true));
  EXPECT_EQ(*value_from_text(all[3], R"(["a","b"])"), Value(Strings{"a", "b"}));
  EXPECT_FALSE(value_from_text(all[1], "07").ok());
  EXPECT_EQ(value_from_text(all[1], "99999999999999999999").error().message,
            "99999999999999999999 is too large");
  EXPECT_EQ(value_from_text(all[1], "-99999999999999999999").error().hint,
            "give a number of 64 bits");
  EXPECT_FALSE(value_from_text(all[2], "yes").ok());
  EXPECT_FALSE(value_from_text(all[3], "a,b").ok());
  EXPECT_FALSE(value_from_text(all[3], "[1]").ok());
  EXPECT_EQ(value_from_text(all[1], "many").error().path, "min");
}

}  // namespace
}  // namespace millrace::manifest
