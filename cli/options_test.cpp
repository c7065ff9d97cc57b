#include "cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

const Environment kNothing = [](const char*) { return std::string(); };

template <typename Command>
Command parsed(const std::vector<std::string>& arguments) {
  auto result = parse_options(arguments, kNothing);
  if (auto* stop = std::get_if<ParseStop>(&result)) {
    ADD_FAILURE() << stop->text;
    return {};
  }
  auto* command = std::get_if<Command>(&std::get<Parsed>(result).command);
  EXPECT_NE(command, nullptr);
  return command == nullptr ? Command{} : *command;
}

ParseStop stopped(const std::vector<std::string>& arguments) {
  auto result = parse_options(arguments, kNothing);
  if (auto* stop = std::get_if<ParseStop>(&result)) return *stop;
  ADD_FAILURE() << "was accepted";
  return {};
}

TEST(Options, run) {
  const auto run = parsed<commands::Run>(
      {"run", "flights", "-p", "a=1", "-p", "b=x=y", "--watch", "--timeout", "90s"});
  EXPECT_EQ(run.workflow, "flights");
  EXPECT_THAT(run.parameters, ElementsAre("a=1", "b=x=y"));
  EXPECT_TRUE(run.watch);
  EXPECT_EQ(run.timeout, 90s);
}

TEST(Options, retry) {
  const auto retry = parsed<commands::Retry>(
      {"retry", "flights-7k2", "--task", "delays", "-t", "out", "-p", "a=1", "-w"});
  EXPECT_EQ(retry.run, "flights-7k2");
  EXPECT_THAT(retry.tasks, ElementsAre("delays", "out"));
  EXPECT_THAT(retry.parameters, ElementsAre("a=1"));
  EXPECT_TRUE(retry.watch);
  EXPECT_THAT(stopped({"retry"}).text, HasSubstr("run"));
}

TEST(Options, options_of_all_commands_may_stand_anywhere) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"-n", "team", "--dir", "/x", "get", "runs"},
        {"get", "runs", "-n", "team", "--dir", "/x"}}) {
    const auto result = parse_options(arguments, kNothing);
    ASSERT_TRUE(std::holds_alternative<Parsed>(result));
    EXPECT_EQ(std::get<Parsed>(result).common.name_space, "team");
    EXPECT_EQ(std::get<Parsed>(result).common.directory, "/x");
  }
}

TEST(Options, the_environment_names_the_namespace) {
  const auto result = parse_options({"status"}, [](const char* name) {
    return std::string(name) == "MILLRACE_NAMESPACE" ? std::string("team-b") : std::string();
  });
  EXPECT_EQ(std::get<Parsed>(result).common.name_space, "team-b");
}

TEST(Options, files_may_be_named_either_way) {
  EXPECT_THAT(parsed<commands::Apply>({"apply", "a.yaml", "b.yaml"}).files,
              ElementsAre("a.yaml", "b.yaml"));
  EXPECT_THAT(stopped({"apply"}).text, HasSubstr("apply: which manifests? Give files"));
  EXPECT_THAT(parsed<commands::Apply>({"apply", "-f", "a.yaml", "-f", "-"}).files,
              ElementsAre("a.yaml", "-"));
  EXPECT_EQ(parsed<commands::Get>({"get", "runs", "-o", "json"}).format, Format::kJson);
  EXPECT_EQ(parsed<commands::Steer>({"pause", "r1"}).verb, "pause");
  EXPECT_EQ(
      parsed<commands::Up>({"up", "--allow", "/a", "--allow", "/b", "--port", "80"}).allow.size(),
      2U);
}

TEST(Options, what_is_wrong_is_named) {
  EXPECT_EQ(stopped({}).exit, Exit::kUsage);
  EXPECT_THAT(stopped({"get"}).text, HasSubstr("kind"));
  EXPECT_THAT(stopped({"wait", "r", "--timeout", "soon"}).text,
              HasSubstr("\"soon\" is no duration"));
  EXPECT_THAT(stopped({"get", "runs", "-o", "xml"}).text, HasSubstr("xml"));
  EXPECT_THAT(stopped({"up", "--port", "70000"}).text, HasSubstr("70000"));
  EXPECT_EQ(stopped({"frobnicate"}).exit, Exit::kUsage);
  EXPECT_EQ(stopped({"run", "--frobnicate", "x"}).exit, Exit::kUsage);
}

TEST(Options, a_command_that_is_none_is_named_with_the_nearest) {
  EXPECT_THAT(stopped({"bogus"}).text, HasSubstr("there is no command \"bogus\"."));
  EXPECT_THAT(stopped({"-n", "team", "valdate", "x"}).text,
              HasSubstr("there is no command \"valdate\". Did you mean validate?"));
  EXPECT_THAT(stopped({"--versoin"}).text,
              HasSubstr("there is no option \"--versoin\". Did you mean --version?"));
  EXPECT_THAT(stopped({}).text, HasSubstr("a command is wanted"));
  EXPECT_THAT(stopped({"--dir", "/x"}).text, HasSubstr("a command is wanted"));
  EXPECT_EQ(stopped({"bogus"}).exit, Exit::kUsage);
  parsed<commands::Version>({"--version"});
}

TEST(Options, forms_are_named_by_their_words_alone) {
  EXPECT_THAT(stopped({"get", "runs", "-o", "csv"}).text,
              HasSubstr("--output: \"csv\" is no form of output; give json|name|table|yaml"));
  EXPECT_EQ(stopped({"get", "runs", "-o", "3"}).exit, Exit::kUsage);
  EXPECT_EQ(parsed<commands::Query>({"query", "SELECT 1", "-o", "csv"}).format, RowsFormat::kCsv);
}

TEST(Options, an_empty_name_is_never_all_of_them) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"get", "runs", ""},
                                                    {"cancel", ""},
                                                    {"delete", "run", ""},
                                                    {"run", ""},
                                                    {"wait", ""},
                                                    {"logs", ""},
                                                    {"get", "runs", "--workflow", ""},
                                                    {"--dir", "", "down", "--purge"},
                                                    {"-n", "", "get", "runs"},
                                                    {"run", "flights", "--key", ""}})
    EXPECT_THAT(stopped(arguments).text, HasSubstr("is empty")) << arguments[0];
}

TEST(Options, a_timeout_wants_somebody_who_waits) {
  EXPECT_THAT(stopped({"run", "w", "--timeout", "5s"}).text, HasSubstr("--watch and --wait"));
  EXPECT_THAT(stopped({"retry", "r", "--timeout", "5s"}).text, HasSubstr("--watch and --wait"));
  EXPECT_EQ(parsed<commands::Run>({"run", "w", "--wait", "--timeout", "5s"}).timeout, 5s);
}

TEST(Options, explain_takes_a_field_or_a_task_or_a_run) {
  EXPECT_EQ(parsed<commands::Explain>({"explain", "workflow.spec"}).what, "workflow.spec");
  EXPECT_EQ(parsed<commands::Explain>({"explain", "run", "r-1"}).target, "r-1");
  EXPECT_THAT(stopped({"explain", "run"}).text, HasSubstr("which run? Give RUN."));
  EXPECT_THAT(stopped({"explain", "workflow.spec", "x"}).text,
              HasSubstr("\"workflow.spec\" is neither task nor run"));
}

TEST(Options, help_is_no_error) {
  EXPECT_EQ(stopped({"--help"}).exit, Exit::kDone);
  EXPECT_THAT(stopped({"run", "--help"}).text, HasSubstr("millrace run"));
}

TEST(Options, durations) {
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("7"), 7s);
  for (const char* text : {"", "s", "-5s", "1x", "5 s", "1h7", "99999999999999999999s", "9999999h"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

}  // namespace
}  // namespace millrace::cli
