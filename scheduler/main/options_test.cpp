#include "scheduler/main/options.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

namespace millrace::scheduler {
namespace {

ParsedOptions parse(std::vector<std::string> more) {
  std::vector<std::string> words{"millrace-scheduler",
                                 "--postgres",
                                 "host=/tmp",
                                 "--socket",
                                 "/tmp/s",
                                 "--token-file",
                                 "/tmp/t",
                                 "--worker-token-file",
                                 "/tmp/wt",
                                 "--data-root",
                                 "/data"};
  words.insert(words.end(), more.begin(), more.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size());
  for (std::string& word : words) arguments.push_back(word.data());
  ::testing::internal::CaptureStderr();
  ParsedOptions parsed = parse_options(static_cast<int>(arguments.size()), arguments.data());
  ::testing::internal::GetCapturedStderr();
  return parsed;
}

TEST(Durations, have_a_number_and_a_unit) {
  const std::vector<std::pair<std::string, std::int64_t>> good{{"500ms", 500'000},
                                                               {"15s", 15'000'000},
                                                               {"2m", 120'000'000},
                                                               {"1h", 3'600'000'000},
                                                               {"7d", 604'800'000'000}};
  for (const auto& [text, micros] : good) {
    const Result<Micros> parsed = parse_duration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->value(), micros) << text;
  }
  for (const std::string text : {"", "s", "15", "15 s", "-1s", "0s", "1.5s", "15sec", "15S", "1s2s",
                                 "9999999s", "99999999999999999999s"}) {
    const Result<Micros> parsed = parse_duration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, "duration.invalid") << text;
  }
}

TEST(Options, have_defaults_beside_what_must_be_said) {
  const ParsedOptions parsed = parse({});
  ASSERT_TRUE(parsed.options.has_value());
  EXPECT_EQ(parsed.options->listen_address, "127.0.0.1");
  EXPECT_EQ(parsed.options->listen_port, 0);
  EXPECT_EQ(parsed.options->lease, seconds(15));
  EXPECT_EQ(parsed.options->log_dir, "/data/logs");
  EXPECT_EQ(parsed.options->sql_parser.filename(), "millrace-sql");
  EXPECT_EQ(parsed.options->log_format, telemetry::Log::Format::kText);
  EXPECT_EQ(parsed.options->retention.snapshots, seconds(7 * 24 * 3600));
  EXPECT_EQ(parsed.options->retention.kept_snapshots, 1U);
  EXPECT_EQ(parsed.options->retention.runs, seconds(90LL * 24 * 3600));
  EXPECT_EQ(parsed.options->retention.events, seconds(24 * 3600));
}

TEST(Options, take_retentions) {
  const ParsedOptions parsed = parse({"--retention", "30d", "--dataset-retention", "flights=90d",
                                      "--dataset-retention", "team/flights=1h", "--keep-snapshots",
                                      "3", "--run-retention", "12h", "--event-retention", "7d"});
  ASSERT_TRUE(parsed.options.has_value());
  const RetentionOptions& retention = parsed.options->retention;
  EXPECT_EQ(retention.snapshots, seconds(30 * 24 * 3600));
  EXPECT_EQ(retention.of_datasets,
            (std::map<NamespacedName, Micros>{{{"default", "flights"}, seconds(90 * 24 * 3600)},
                                              {{"team", "flights"}, seconds(3600)}}));
  EXPECT_EQ(retention.kept_snapshots, 3U);
  EXPECT_EQ(retention.runs, seconds(12 * 3600));
  EXPECT_EQ(retention.events, seconds(7 * 24 * 3600));
}

TEST(Options, take_what_is_said) {
  const ParsedOptions parsed =
      parse({"--listen", "[::1]:8443", "--lease", "2m", "--queue-limit", "narrow=3",
             "--queue-limit", "wide=40", "--log-format", "json", "--log-dir", "/logs"});
  ASSERT_TRUE(parsed.options.has_value());
  EXPECT_EQ(parsed.options->listen_address, "[::1]");
  EXPECT_EQ(parsed.options->listen_port, 8443);
  EXPECT_EQ(parsed.options->lease, seconds(120));
  EXPECT_EQ(parsed.options->queue_limits,
            (std::map<std::string, std::uint32_t>{{"narrow", 3}, {"wide", 40}}));
  EXPECT_EQ(parsed.options->log_format, telemetry::Log::Format::kJson);
  EXPECT_EQ(parsed.options->log_dir, "/logs");
}

TEST(Options, refuse_what_they_do_not_understand) {
  const std::vector<std::vector<std::string>> rows{
      {"--listen", "8443"},
      {"--listen", "127.0.0.1:"},
      {"--listen", "127.0.0.1:x"},
      {"--listen", "h:65536"},
      {"--listen", "h:80x"},
      {"--listen", "0.0.0.0:0"},
      {"--listen", "[::]:8443"},
      {"--listen", "192.0.2.7:80"},
      {"--listen", "[2001:db8::1]:80"},
      {"--listen", ":80"},
      {"--listen", "localhost:80"},
      {"--lease", "15"},
      {"--lease", "99ms"},
      {"--queue-limit", "narrow"},
      {"--queue-limit", "narrow=0"},
      {"--queue-limit", "narrow=-1"},
      {"--queue-limit", "narrow="},
      {"--queue-limit", "=3"},
      {"--log-format", "xml"},
      {"--no-such-flag"},
      {"--queue-limit", "n=3x"},
      {"--retention", "7"},
      {"--retention", "0d"},
      {"--keep-snapshots", "0"},
      {"--run-retention", "x"},
      {"--dataset-retention", "d"},
      {"--dataset-retention", "=7d"},
      {"--dataset-retention", "/d=7d"},
      {"--dataset-retention", "d="},
  };
  for (const auto& row : rows) {
    const ParsedOptions parsed = parse(row);
    EXPECT_FALSE(parsed.options.has_value()) << ::testing::PrintToString(row);
    EXPECT_EQ(parsed.exit_code, 2) << ::testing::PrintToString(row);
  }
}

}  // namespace
}  // namespace millrace::scheduler
