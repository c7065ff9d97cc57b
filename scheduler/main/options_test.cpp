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
  for (std::string& word : words) arguments.push_back(word.data());
  ::testing::internal::CaptureStderr();
  ParsedOptions parsed = parse_options(static_cast<int>(arguments.size()), arguments.data());
  ::testing::internal::GetCapturedStderr();
  return parsed;
}

TEST(Durations, have_a_number_and_a_unit) {
  const std::vector<std::pair<std::string, std::int64_t>> good{
      {"500ms", 500'000}, {"15s", 15'000'000}, {"2m", 120'000'000}, {"1h", 3'600'000'000}};
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

class TokenTest : public ::testing::Test {
 protected:
  TokenTest() {
    std::string name = (std::filesystem::temp_directory_path() / "token-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  ~TokenTest() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path file(const std::string& content, mode_t mode) {
    const std::filesystem::path path = dir_ / "token";
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  // The token, or the error's code.
  static std::string read(const std::filesystem::path& path) {
    const Result<std::string> token = read_token(path);
    return token.ok() ? "token " + *token : token.error().code;
  }

  std::filesystem::path dir_;
};

TEST_F(TokenTest, is_the_line_of_a_file_that_nobody_else_can_read) {
  EXPECT_EQ(read(file("secret", 0600)), "token secret");
  EXPECT_EQ(read(file("secret\n", 0400)), "token secret");
  EXPECT_EQ(read(file("two words \n\n", 0600)), "token two words");
  for (const mode_t mode : {0640, 0604, 0660, 0620, 0601, 0644, 0777})
    EXPECT_EQ(read(file("secret", mode)), "token.exposed") << std::oct << mode;
}

TEST_F(TokenTest, has_an_end_and_a_beginning) {
  EXPECT_EQ(read(file("", 0600)), "token.empty");
  EXPECT_EQ(read(file("\n \n", 0600)), "token.empty");
  EXPECT_EQ(read(file(std::string(4096, 'x'), 0600)), "token " + std::string(4096, 'x'));
  EXPECT_EQ(read(file(std::string(4097, 'x'), 0600)), "token.empty");
}

TEST_F(TokenTest, is_read_from_a_file_and_through_no_link) {
  EXPECT_EQ(read(dir_ / "none"), "token.unreadable");
  const std::filesystem::path real = file("secret", 0600);
  std::filesystem::create_symlink(real, dir_ / "link");
  EXPECT_EQ(read(dir_ / "link"), "token.unreadable");
  ASSERT_EQ(chmod(dir_.c_str(), 0700), 0);
  EXPECT_EQ(read(dir_), "token.exposed");
}

TEST_F(TokenTest, a_pipe_in_its_place_does_not_hold_up_the_start) {
  const std::filesystem::path pipe = dir_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read(pipe), "token.exposed");  // O_NONBLOCK: no writer is waited for
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
      {"--listen", "8443"},         {"--listen", "127.0.0.1:"},    {"--listen", "127.0.0.1:x"},
      {"--listen", "h:65536"},      {"--listen", "h:80x"},         {"--lease", "15"},
      {"--queue-limit", "narrow"},  {"--queue-limit", "narrow=0"}, {"--queue-limit", "narrow=-1"},
      {"--queue-limit", "narrow="}, {"--queue-limit", "=3"},       {"--log-format", "xml"},
      {"--no-such-flag"},           {"--queue-limit", "n=3x"},
  };
  for (const auto& row : rows) {
    const ParsedOptions parsed = parse(row);
    EXPECT_FALSE(parsed.options.has_value()) << ::testing::PrintToString(row);
    EXPECT_EQ(parsed.exit_code, 2) << ::testing::PrintToString(row);
  }
}

}  // namespace
}  // namespace millrace::scheduler
