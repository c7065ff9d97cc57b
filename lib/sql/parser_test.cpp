// The parser's process: what it survives, what it refuses, how it ends.
#include "lib/sql/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/contents.h"
#include "lib/sql/limits.h"
#include "lib/sql/test_parser.h"

namespace millrace::sql {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

Parser fresh_parser(Micros deadline = seconds(30)) {
  return Parser({.program = parser_program(), .deadline = deadline});
}

std::string repeated(const std::string& head, const std::string& part, int count,
                     const std::string& tail) {
  std::string text = head;
  for (int i = 0; i < count; ++i) text += part;
  return text + tail;
}

// Comments that never close take the square of their length in the engine's lexer.
std::string endless_text() { return repeated("", "/*", 500'000, "SELECT 1"); }

TEST(Parser, starts_once_and_answers_many) {
  Parser parser = fresh_parser();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(parser
                    .analyze("SELECT carrier, count(*) FROM flights WHERE day = " +
                             std::to_string(i) + " GROUP BY carrier ORDER BY 2")
                    .ok());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("[ 1,000 texts, start of the process included: %.0f ms ]\n", took.count() * 1000);
  EXPECT_EQ(parser.starts(), 1);
}

TEST(Parser, a_text_that_takes_too_long_ends_and_the_next_is_answered) {
  // The deadline is beyond the test's own: it is the process that ends itself.
  Parser parser = fresh_parser(seconds(600));
  const Result<Statement> answer = parser.analyze(endless_text());
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "sql.too_slow");
  EXPECT_EQ(answer.error().error_class, ErrorClass::kUser);
  EXPECT_TRUE(parser.analyze("SELECT 1").ok());
  EXPECT_EQ(parser.starts(), 2) << "a slow text is not tried twice";
}

TEST(Parser, the_deadline_ends_a_text_before_the_process_does) {
  // Stopped, it uses no CPU: only the wall clock can tell.
  Parser stopped = fresh_parser(milliseconds(50));
  ASSERT_TRUE(stopped.analyze("SELECT 1").ok());
  ::kill(stopped.process_id(), SIGSTOP);
  const Result<Statement> answer = stopped.analyze("SELECT 1");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "sql.too_slow");
}

TEST(Parser, a_text_over_the_limit_never_reaches_the_process) {
  Parser parser = fresh_parser();
  const Result<Statement> answer = parser.analyze(std::string(kMaxTextBytes + 1, ' '));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "sql.too_large");
  EXPECT_EQ(parser.starts(), 0);
  // At the limit it does.
  EXPECT_TRUE(parser.analyze("SELECT '" + std::string(kMaxTextBytes - 9, 'x') + "'").ok());
}

TEST(Parser, a_process_killed_while_idle_is_replaced_and_no_text_is_blamed) {
  Parser parser = fresh_parser();
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(parser.analyze("SELECT 1").ok());
    ::kill(parser.process_id(), SIGKILL);
    EXPECT_TRUE(parser.analyze("SELECT 1").ok());
    EXPECT_EQ(parser.starts(), i + 1);
  }
}

TEST(Parser, a_process_killed_while_it_has_a_text_is_replaced) {
  Parser parser = fresh_parser();
  ASSERT_TRUE(parser.analyze("SELECT 1").ok());
  // Stopped, it cannot answer before it is killed.
  const pid_t first = parser.process_id();
  ::kill(first, SIGSTOP);
  Result<Statement> answer = Statement{};
  std::thread caller([&] { answer = parser.analyze("SELECT lower(x) FROM t"); });
  while (parser.callers() == 0) std::this_thread::yield();
  ::kill(first, SIGKILL);
  caller.join();
  ASSERT_TRUE(answer.ok()) << answer.error().to_text();
  EXPECT_EQ(table_names(*answer), std::vector<std::string>{"t"});
  EXPECT_EQ(parser.starts(), 2);
}

// A millrace-sql with so small a stack that a chain of operators overflows it.
class SmallStackProgram {
 public:
  SmallStackProgram() {
    char name[] = "/tmp/sql_test_XXXXXX";
    folder_ = ::mkdtemp(name);
    std::ofstream(path()) << "#!/bin/sh\nulimit -s 200\nexec '" << parser_program() << "'\n";
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }
  ~SmallStackProgram() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/millrace-sql"; }

 private:
  std::string folder_;
};

TEST(Parser, a_text_that_crashes_a_fresh_process_is_to_blame) {
  const SmallStackProgram program;
  Parser parser({.program = program.path(), .deadline = seconds(30)});
  ASSERT_TRUE(parser.analyze("SELECT 1").ok());
  const Result<Statement> answer = parser.analyze(repeated("SELECT 1", " + 1", 480, ""));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "sql.parser_crashed");
  EXPECT_EQ(answer.error().error_class, ErrorClass::kUser);
  EXPECT_EQ(parser.starts(), 2) << "it is tried once more, on a fresh process";
  EXPECT_TRUE(parser.analyze("SELECT 1").ok());
}

TEST(Parser, texts_that_grow_beyond_bounds_end_with_a_reason) {
  struct Case {
    std::string text;
    const char* code;
  };
  const Case cases[] = {
      {repeated("SELECT ", "1,", 500'000, "1"), "sql.too_large"},
      {repeated("VALUES ", "(1),", 250'000, "(1)"), "sql.too_large"},
      {repeated("SELECT a IN (", "1,", 500'000, "1)"), "sql.too_large"},
      {repeated("", "SELECT 1;", 100'000, ""), "sql.too_large"},
      {repeated("SELECT ", "(", 500'000, "1"), "sql.too_deep"},
      {repeated("SELECT ", "1+", 400'000, "1"), "sql.too_deep"},
      {repeated("SELECT ", "[", 400'000, "1"), "sql.too_deep"},
      {repeated("SELECT ", "NOT ", 200'000, "1"), "sql.too_deep"},
      {repeated("SELECT 1", " + 1", 510, ""), "sql.too_deep"},
      {repeated("SELECT a", "::INT", 200'000, ""), "sql.too_deep"},
      {repeated("SELECT a::INT", "[]", 400'000, ""), "sql.too_deep"},
      {repeated("SELECT 1", " UNION ALL SELECT 1", 50'000, ""), "sql.too_large"},
      {repeated("SELECT 1", " EXCEPT SELECT 1", 20'000, ""), "sql.too_deep"},
      {repeated("SELECT * FROM t", ", t", 300'000, ""), "sql.too_deep"},
      {repeated("SELECT * FROM ", "(SELECT * FROM ", 50'000, "t"), "sql.too_deep"},
      {repeated("WITH a AS (", "WITH a AS (", 50'000, "SELECT 1"), "sql.too_deep"},
      {repeated("SELECT a", " AND a", 150'000, ""), "sql.too_slow"},
      {repeated("SELECT 1 GROUP BY CUBE (a", ", a", 40, ")"), "sql.syntax"},
  };
  Parser parser = fresh_parser();
  for (const Case& c : cases) {
    const Result<Statement> answer = parser.analyze(c.text);
    ASSERT_FALSE(answer.ok()) << c.text.substr(0, 40);
    // Where memory or CPU run out first is the allocator's and the machine's affair.
    EXPECT_THAT(answer.error().code, AnyOf(c.code, "sql.too_large", "sql.too_slow"))
        << c.text.substr(0, 40) << ": " << answer.error().to_text();
    EXPECT_EQ(answer.error().error_class, ErrorClass::kUser);
    ASSERT_TRUE(parser.analyze("SELECT 1").ok()) << "after " << c.text.substr(0, 40);
  }
}

TEST(Parser, large_texts_within_the_bounds_are_answered) {
  EXPECT_TRUE(shared_parser().analyze(repeated("SELECT a IN (", "12345,", 50'000, "1)")).ok());
  EXPECT_TRUE(shared_parser().analyze(repeated("SELECT 1", " + 1", 490, "")).ok());
  EXPECT_TRUE(
      shared_parser().analyze(repeated("SELECT 1", " UNION ALL SELECT 1", 10'000, "")).ok());
  std::string ctes = "WITH c0 AS (SELECT 1)";
  for (int i = 1; i < 10'000; ++i) {
    ctes += ", c" + std::to_string(i) + " AS (FROM c" + std::to_string(i - 1) + ")";
  }
  const Result<Statement> answer = shared_parser().analyze(ctes + " FROM c9999");
  ASSERT_TRUE(answer.ok()) << answer.error().to_text();
  EXPECT_TRUE(answer->tables.empty());
}

TEST(Parser, threads_share_it) {
  Parser parser = fresh_parser();
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> right = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&parser, &right, t] {
      const std::string name = "table_" + std::to_string(t);
      for (int i = 0; i < 50; ++i) {
        const Result<Statement> answer = parser.analyze("FROM " + name);
        if (answer.ok() && table_names(*answer) == std::vector<std::string>{name}) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right.load(), kThreads * 50);
}

TEST(Parser, more_than_may_wait_are_refused) {
  Parser parser({.program = parser_program(), .deadline = seconds(30), .max_waiting = 0});
  ASSERT_TRUE(parser.analyze("SELECT 1").ok());
  ::kill(parser.process_id(), SIGSTOP);
  std::thread first([&parser] { EXPECT_TRUE(parser.analyze("SELECT 1").ok()); });
  while (parser.callers() == 0) std::this_thread::yield();
  const Result<Statement> second = parser.analyze("SELECT 2");
  ::kill(parser.process_id(), SIGCONT);
  first.join();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, "sql.busy");
  EXPECT_EQ(second.error().error_class, ErrorClass::kTransient);
  EXPECT_TRUE(parser.analyze("SELECT 2").ok());
}

TEST(Parser, a_program_that_is_none_is_our_error) {
  for (const char* program : {"/does/not/exist", "/dev/null", "/bin/true"}) {
    Parser parser({.program = program});
    const Result<Statement> answer = parser.analyze("SELECT 1");
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, "sql.parser_unavailable") << program;
    EXPECT_EQ(answer.error().error_class, ErrorClass::kInfrastructure);
  }
}

TEST(Parser, its_process_ends_with_it) {
  pid_t pid = 0;
  {
    Parser parser = fresh_parser();
    ASSERT_TRUE(parser.analyze("SELECT 1").ok());
    pid = parser.process_id();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Parser, its_process_holds_nothing_of_ours) {
  ::setenv("MILLRACE_SECRET_OF_THE_TEST", "hush", 1);
  std::FILE* open_file = std::tmpfile();  // not close-on-exec
  ASSERT_NE(open_file, nullptr);
  Parser parser = fresh_parser();
  ASSERT_TRUE(parser.analyze("SELECT 1").ok());
  const std::string proc = "/proc/" + std::to_string(parser.process_id());
  EXPECT_EQ(contents_of_file(proc + "/environ"), "");
  EXPECT_THAT(contents_of_file(proc + "/status"), HasSubstr("NoNewPrivs:\t1"));
  for (const auto& entry : std::filesystem::directory_iterator(proc + "/fd")) {
    const std::string target = std::filesystem::read_symlink(entry.path());
    const std::string fd = entry.path().filename();
    EXPECT_TRUE(fd == "0" || fd == "1" || fd == "2" || target.starts_with("anon_inode:") ||
                target.starts_with("/sys/") || target.starts_with("/proc/"))
        << fd << " is " << target;
  }
  EXPECT_EQ(std::filesystem::read_symlink(proc + "/cwd"), "/");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  rlimit bound{};
  ASSERT_EQ(::prlimit(parser.process_id(), RLIMIT_AS, nullptr, &bound), 0);
  EXPECT_EQ(bound.rlim_max, kParserAddressSpaceBytes);
#endif
  std::fclose(open_file);
  ::unsetenv("MILLRACE_SECRET_OF_THE_TEST");
}

// However its parent went: the process ends when its input does.
TEST(ChildProcess, ends_at_the_end_of_input) {
  Result<ChildProcess> process = ChildProcess::start(parser_program());
  ASSERT_TRUE(process.ok()) << process.error().to_text();
  std::string greeting;
  ASSERT_EQ(process->channel().receive(
                256, std::chrono::steady_clock::now() + std::chrono::seconds(60), greeting),
            Channel::Outcome::kOk);
  EXPECT_EQ(greeting, kEngineVersion);
  process->channel().close();
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(process->pid()), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(ended.si_code, CLD_EXITED);
  EXPECT_EQ(ended.si_status, 0);
}

}  // namespace
}  // namespace millrace::sql
