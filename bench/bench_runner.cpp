// bench_runner: a runner without an engine, so that a benchmark measures what lies around a task.
// It speaks the runner protocol and reads a `command` task's argv as work of its own:
//
//   ["noop"]          nothing
//   ["fibo", "10"]    the tenth Fibonacci number, by two calls each
//
// With the task's variable BENCH_TRACE=FOLDER each attempt appends a line to FOLDER/PID: run, task,
// and when it began and ended, in microseconds of the wall clock.
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "workers/runner/channel.h"
#include "workers/runner/description.h"
#include "workers/runner/lease_guard.h"

namespace millrace::runner {
namespace {

using v1alpha1::Assign;
using v1alpha1::FromRunner;
using v1alpha1::ToRunner;

std::int64_t wall_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::int64_t fibo(std::int64_t n) { return n < 2 ? n : fibo(n - 1) + fibo(n - 2); }

RawId id_of(const std::string& bytes) {
  RawId id;
  for (std::size_t i = 0; i < bytes.size() && i < 16; ++i) {
    std::uint64_t& half = i < 8 ? id.high : id.low;
    half = half << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return id;
}

class BenchRunner {
 public:
  int serve() {
    FromRunner ready;
    ready.mutable_ready()->set_version("bench");
    ready.mutable_ready()->set_pid(::getpid());
    send(ready);
    while (true) {
      const Result<bool> more = channel_.receive();
      if (!more.ok() || !*more) return more.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
      while (true) {
        Result<std::optional<ToRunner>> next = channel_.next();
        if (!next.ok()) return EXIT_FAILURE;
        std::optional<ToRunner> message = *std::move(next);
        if (!message) break;
        take(*std::move(message));
      }
    }
  }

 private:
  // An attempt is done before the next message is read: renewals and cancels come too late for it.
  void take(ToRunner message) {
    if (message.has_assign())
      assign_ = std::move(*message.mutable_assign());
    else if (message.has_more())
      append_chunk(*assign_.mutable_description(),
                   std::move(*message.mutable_more()->mutable_description()));
    else
      return;
    if (message.has_more() ? message.more().more() : assign_.more()) return;
    lease_.hold(Monotonic(assign_.lease_deadline_monotonic_us()));
    run(assign_);
    lease_.release();
  }

  void run(const Assign& assign) {
    const std::int64_t began = wall_now();
    const std::uint64_t epoch = assign.description().attempt().epoch();
    FromRunner message;
    message.mutable_started()->set_epoch(epoch);
    message.mutable_started()->set_monotonic_us(monotonic_now().value());
    send(message);
    MILLRACE_FAILPOINT("bench_runner.started");
    const auto body = nlohmann::json::parse(assign.description().body_json(), nullptr, false);
    const std::string error = work(body);
    message.Clear();
    if (error.empty()) {
      message.mutable_succeeded()->set_epoch(epoch);
      message.mutable_succeeded()->mutable_success();
    } else {
      message.mutable_failed()->set_epoch(epoch);
      message.mutable_failed()->mutable_failure()->set_error_class("User");
      message.mutable_failed()->mutable_failure()->set_code("bench.unknown");
      message.mutable_failed()->mutable_failure()->set_message(error);
    }
    trace(body, assign, began);
    MILLRACE_FAILPOINT("bench_runner.before_result");
    send(message);
  }

  // What is wrong with it; empty when it is done.
  static std::string work(const nlohmann::json& body) {
    if (!body.is_object()) return "the task has no body";
    const auto argv = body.value("/command/argv"_json_pointer, std::vector<std::string>{});
    if (argv.size() == 1 && argv[0] == "noop") return "";
    std::int64_t n = 0;
    if (argv.size() == 2 && argv[0] == "fibo" &&
        std::from_chars(argv[1].data(), argv[1].data() + argv[1].size(), n).ec == std::errc()) {
      const volatile std::int64_t number = fibo(n);
      static_cast<void>(number);
      return "";
    }
    return "this runner knows noop and fibo N";
  }

  void trace(const nlohmann::json& body, const Assign& assign, std::int64_t began) {
    if (!body.is_object() || !body.contains("/command/env"_json_pointer)) return;
    for (const auto& variable : body["command"]["env"]) {
      if (variable.value("name", "") != "BENCH_TRACE") continue;
      if (!trace_.is_open())
        trace_.open(variable.value("value", "") + "/" + std::to_string(::getpid()), std::ios::app);
      const auto& attempt = assign.description().attempt();
      trace_ << id_of(attempt.run_id()).to_text() << ' ' << attempt.task_index() << ' ' << began
             << ' ' << wall_now() << std::endl;
    }
  }

  void send(const FromRunner& message) {
    if (!channel_.send(message).ok()) lease_.end_process(EXIT_SUCCESS);
  }

  Channel channel_{kChannelDescriptor};
  LeaseGuard lease_;
  Assign assign_;
  std::ofstream trace_;
};

}  // namespace
}  // namespace millrace::runner

int main() { return millrace::runner::BenchRunner().serve(); }
