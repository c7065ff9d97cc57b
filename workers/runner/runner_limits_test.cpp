// SQL in which nothing tells what it will use: the runner's limits end it, in time and within
// memory.
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "workers/runner/testing/runner_fixture.h"

namespace millrace::runner {
namespace {

struct UnboundedText {
  std::string id;
  std::string text;
};

// The blocks of lib/sql/testdata/hostile.sql that are left to the limits.
std::vector<UnboundedText> unbounded_texts() {
  const char* const source = std::getenv("MILLRACE_SOURCE_DIR");
  std::ifstream file(std::string(source == nullptr ? "." : source) +
                     "/lib/sql/testdata/hostile.sql");
  std::vector<UnboundedText> texts;
  bool wanted = false;
  for (std::string line, id; std::getline(file, line);) {
    if (line.starts_with("-- id: ")) id = line.substr(7);
    if (line.starts_with("-- expect: ")) {
      wanted = line == "-- expect: limits";
      if (wanted) texts.push_back({id, ""});
    } else if (wanted && !line.starts_with("-- id: ")) {
      texts.back().text += line + "\n";
    }
  }
  return texts;
}

std::int64_t peak_megabytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; file >> word;) {
    std::int64_t kilobytes = 0;
    if (word == "VmHWM:" && file >> kilobytes) return kilobytes >> 10;
  }
  return 0;
}

class RunnerLimits : public RunnerFixture {};

TEST_F(RunnerLimits, end_every_statement_in_time_and_within_memory) {
  constexpr std::int64_t kGrantMegabytes = 512;
  constexpr std::chrono::milliseconds kPatience{1500};
  for (const UnboundedText& unbounded : unbounded_texts()) {
    SCOPED_TRACE(unbounded.id);
    v1alpha1::ToRunner message = assignment(
        "unbounded", {{"query", {{"sql", unbounded.text}, {"into", {{"dataset", "n"}}}}}});
    message.mutable_assign()->mutable_grant()->set_memory_bytes(kGrantMegabytes << 20);
    set_lease(message, std::chrono::seconds(6));
    const pid_t pid = runner_->pid();
    std::int64_t peak = 0;
    runner_->send(message);
    // Until it ends by itself, hears a cancel, or its lease passes: one of the three comes.
    const auto begin = std::chrono::steady_clock::now();
    bool cancelled = false;
    for (bool over = false; !over;) {
      peak = std::max(peak, peak_megabytes(pid));
      // Neither an end nor a word: a finding, and no reason to wait for ever.
      if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(60)) {
        ADD_FAILURE() << "the runner neither ends nor speaks";
        ::kill(pid, SIGKILL);
        break;
      }
      if (!cancelled && std::chrono::steady_clock::now() - begin > kPatience) {
        cancel();
        cancelled = true;
      }
      if (!runner_->speaks(std::chrono::milliseconds(50))) continue;
      const auto next = runner_->receive();
      over = !next.has_value() || next->has_failed() || next->has_succeeded();
    }
    EXPECT_LT(peak, 2 * kGrantMegabytes + 512);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
    start({});
  }
}

}  // namespace
}  // namespace millrace::runner
