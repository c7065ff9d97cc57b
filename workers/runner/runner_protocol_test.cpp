// The real millrace-runner over a socketpair: the demonstration's tasks on the real flights, leases
// that pass, workers that vanish, attempts that are cancelled.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/contents.h"
#include "lib/ipc/runner_exit.h"
#include "lib/process/owned_fd.h"
#include "workers/runner/lease_guard.h"
#include "workers/runner/testing/runner_fixture.h"

namespace millrace::runner {
namespace {

using nlohmann::json;
using v1alpha1::FromRunner;
using v1alpha1::ToRunner;

class RunnerProtocol : public RunnerFixture {};

// A named pipe for a command to say a line in.
class Said {
 public:
  explicit Said(const std::string& path) {
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    // Open for both, it is never at its end.
    fd_ = process::OwnedFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  }
  // Waits for it; empty when it does not come.
  std::string line() const {
    pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    std::array<char, 256> text{};
    if (::poll(&entry, 1, 30'000) != 1) return "";
    const ssize_t size = ::read(fd_.get(), text.data(), text.size());
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(0, size))};
  }

 private:
  process::OwnedFd fd_;
};

json command(const std::vector<std::string>& argv) { return {{"command", {{"argv", argv}}}}; }

TEST_F(RunnerProtocol, one_runner_ingests_joins_delivers_and_publishes) {
  const auto flights = finish(assignment("load_flights", ingest_of("flights")));
  const auto weather = finish(assignment("load_weather", ingest_of("weather")));
  const auto planes = finish(assignment("load_planes", ingest_of("planes")));
  ASSERT_TRUE(flights.has_value() && weather.has_value() && planes.has_value());
  EXPECT_EQ(flights->success.message(), "336,776 rows");
  EXPECT_EQ(flights->success.writes(0).dataset(), "flights");
  EXPECT_EQ(flights->success.writes(1).dataset(), "flights_quarantine");
  EXPECT_EQ(flights->success.writes(1).file_count(), 0U);

  ToRunner query = assignment(
      "delays",
      {{"query",
        {{"sql",
          "SELECT f.carrier, p.engine, count(*) AS n, avg(f.dep_delay) AS delay,\n"
          "  avg(w.visib) AS visib\n"
          "FROM flights f JOIN planes p ON p.tailnum = f.tailnum\n"
          "JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour\n"
          "GROUP BY f.carrier, p.engine HAVING count(*) >= $min_flights ORDER BY n DESC; -- ends"},
         {"into", {{"dataset", "delays"}}}}}},
      {{"min_flights", 100}});
  add_input(query, "flights", *flights);
  add_input(query, "weather", *weather);
  add_input(query, "planes", *planes);
  const auto delays = finish(query);
  ASSERT_TRUE(delays.has_value());
  EXPECT_GT(delays->success.writes(0).rows(), 10);

  const json deliver = deliver_of("delays");
  ToRunner staging = assignment("to_store", deliver);
  add_input(staging, "delays", *delays);
  const auto staged = finish(staging);
  ASSERT_TRUE(staged.has_value());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/delays/manifest.json"));

  ASSERT_TRUE(finish(publication(deliver, *staged, 17)).has_value());
  const std::string csv = contents_of_file(folder_ / "out/delays/delays-00000.17.csv");
  EXPECT_EQ(csv.substr(0, csv.find('\n')), "carrier,engine,n,delay,visib");
  EXPECT_EQ(std::ranges::count(csv, '\n'), delays->success.writes(0).rows() + 1);
  const json manifest = json::parse(contents_of_file(folder_ / "out/delays/manifest.json"));
  EXPECT_EQ(manifest["order"], 17);
  EXPECT_EQ(manifest["snapshot"], "s-delays");
  EXPECT_EQ(manifest["files"][0]["name"], "delays-00000.17.csv");
}

TEST_F(RunnerProtocol, a_description_may_come_in_chunks) {
  const auto planes = finish(assignment("load_planes", ingest_of("planes")));
  ASSERT_TRUE(planes.has_value());
  ToRunner first = assignment(
      "count",
      {{"query", {{"sql", "SELECT count(*) AS n FROM planes"}, {"into", {{"dataset", "n"}}}}}});
  first.mutable_assign()->set_more(true);
  // Cut anywhere, also within a text.
  auto& body = *first.mutable_assign()->mutable_description()->mutable_body_json();
  const std::string& schema = planes->success.writes(0).schema_json();
  ToRunner second;
  second.mutable_more()->mutable_description()->set_body_json(body.substr(10));
  body.resize(10);
  auto& input = *second.mutable_more()->mutable_description()->add_inputs();
  input.set_dataset("planes");
  input.set_schema_json(schema.substr(0, 20));
  second.mutable_more()->set_more(true);
  ToRunner third;
  auto& rest = *third.mutable_more()->mutable_description()->add_inputs();
  rest.set_dataset("planes");
  rest.set_schema_json(schema.substr(20));
  *rest.add_files() = planes->files.at(0).at(0);
  runner_->send(first);
  runner_->send(second);
  const auto counted = finish(third);
  ASSERT_TRUE(counted.has_value());
  EXPECT_NE(counted->files.at(0).at(0).statistics_json().find("\"max\":\"3322\""),
            std::string::npos);
}

TEST_F(RunnerProtocol, a_command_hands_on_typed_outputs) {
  json kind = command({"/bin/sh", "-c", "echo 12 > $MILLRACE_OUTPUTS/kept; env; ls /proc/self/fd"});
  kind["outputs"] = {{{"name", "kept"}, {"integer", json::object()}}};
  const auto done = finish(assignment("score", kind));
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->success.outputs_json(), R"({"kept":12})");
  const std::string log = contents_of_file(folder_ / "log");
  EXPECT_NE(log.find("MILLRACE_TASK=score\n"), std::string::npos) << log;
  EXPECT_EQ(log.find("MILLRACE_FAILPOINT"), std::string::npos);
  EXPECT_NE(log.find("\n0\n1\n2\n3\n"), std::string::npos) << "3 is ls's own\n" << log;
  EXPECT_EQ(log.find("\n4\n"), std::string::npos) << log;
}

TEST_F(RunnerProtocol, an_exit_code_comes_with_its_meaning) {
  json kind = command({"/bin/sh", "-c", "exit 3"});
  kind["command"]["exitCodes"] = {
      {{"codes", {3}}, {"class", "Transient"}, {"code", "partner.busy"}}};
  const auto failed = fail(assignment("busy", kind));
  EXPECT_EQ(failed.error_class(), "Transient");
  EXPECT_EQ(failed.code(), "partner.busy");
  EXPECT_EQ(failed.exit_code(), 3);
}

TEST_F(RunnerProtocol, a_lease_that_passes_ends_runner_and_command) {
  ToRunner message = assignment("sleepy", command({"/bin/sh", "-c", "sleep 600 & sleep 600"}));
  set_lease(message, std::chrono::milliseconds(600));
  runner_->send(message);
  const auto group = runner_->wait_for(FromRunner::kProcessGroup);
  ASSERT_TRUE(group.has_value());
  const int status = runner_->wait_for_end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == ipc::kLeasePassedExit);
  EXPECT_TRUE(ends(group->process_group().pgid()));
}

TEST_F(RunnerProtocol, a_lease_passes_for_a_stopped_runner_as_soon_as_it_goes_on) {
  ToRunner message = assignment("sleepy", command({"/bin/sleep", "600"}));
  set_lease(message, std::chrono::milliseconds(500));
  runner_->send(message);
  const auto group = runner_->wait_for(FromRunner::kProcessGroup);
  ASSERT_TRUE(group.has_value());
  ::kill(runner_->pid(), SIGSTOP);
  const Monotonic deadline(message.assign().lease_deadline_monotonic_us());
  while (monotonic_now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(is_running(runner_->pid()));
  ::kill(runner_->pid(), SIGCONT);
  const int status = runner_->wait_for_end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == ipc::kLeasePassedExit);
  EXPECT_TRUE(ends(group->process_group().pgid()));
}

TEST_F(RunnerProtocol, a_renewed_lease_does_not_pass) {
  ToRunner message = assignment("short", command({"/bin/sleep", "1"}));
  set_lease(message, std::chrono::milliseconds(600));
  runner_->send(message);
  ASSERT_TRUE(runner_->wait_for(FromRunner::kStarted).has_value());
  ToRunner renew;
  renew.mutable_renew()->set_epoch(epoch_);
  renew.mutable_renew()->set_lease_deadline_monotonic_us(monotonic_now().value() + 600'000'000);
  runner_->send(renew);
  EXPECT_TRUE(finished().has_value());
}

TEST_F(RunnerProtocol, a_renewal_of_another_epoch_renews_nothing) {
  ToRunner message = assignment("sleepy", command({"/bin/sleep", "600"}));
  set_lease(message, std::chrono::milliseconds(600));
  runner_->send(message);
  ToRunner renew;
  renew.mutable_renew()->set_epoch(epoch_ - 1);
  renew.mutable_renew()->set_lease_deadline_monotonic_us(monotonic_now().value() + 600'000'000);
  runner_->send(renew);
  EXPECT_EQ(WEXITSTATUS(runner_->wait_for_end()), ipc::kLeasePassedExit);
}

TEST_F(RunnerProtocol, the_end_of_the_channel_ends_runner_and_command) {
  runner_->send(assignment("sleepy", command({"/bin/sleep", "600"})));
  const auto group = runner_->wait_for(FromRunner::kProcessGroup);
  ASSERT_TRUE(group.has_value());
  runner_->close_channel();
  EXPECT_EQ(runner_->wait_for_end(), 0);
  EXPECT_TRUE(ends(group->process_group().pgid()));
}

TEST_F(RunnerProtocol, a_process_that_left_the_group_ends_with_the_runner_however_that_ends) {
  const Said said(folder_ / "said");
  const auto begin = [&](std::chrono::milliseconds lease) {
    ToRunner message =
        assignment("leaver", command({"/bin/sh", "-c",
                                      "(setsid sh -c 'trap \"\" TERM HUP; echo $$ > $HOME/../said; "
                                      "exec sleep 600' &); sleep 600"}));
    set_lease(message, lease);
    runner_->send(message);
    pid_t left = 0;
    std::istringstream(said.line()) >> left;
    EXPECT_GT(left, 0);
    EXPECT_TRUE(is_running(left));
    return left;
  };
  pid_t left = begin(std::chrono::minutes(10));
  runner_->close_channel();
  EXPECT_EQ(runner_->wait_for_end(), 0);
  EXPECT_FALSE(is_running(left)) << "its worker was gone";
  start({});
  left = begin(std::chrono::seconds(2));
  EXPECT_EQ(WEXITSTATUS(runner_->wait_for_end()), ipc::kLeasePassedExit);
  EXPECT_FALSE(is_running(left)) << "its lease was over";
}

TEST_F(RunnerProtocol, a_killed_runner_takes_its_command_along) {
  runner_->send(assignment("sleepy", command({"/bin/sleep", "600"})));
  const auto group = runner_->wait_for(FromRunner::kProcessGroup);
  ASSERT_TRUE(group.has_value());
  ::kill(runner_->pid(), SIGKILL);
  runner_->wait_for_end();
  EXPECT_TRUE(ends(group->process_group().pgid()));
}

TEST_F(RunnerProtocol, a_cancelled_command_gets_a_grace_and_no_more) {
  const Said said(folder_ / "said");
  runner_->send(assignment("stubborn", command({"/bin/sh", "-c",
                                                "trap 'echo got TERM' TERM; echo trapped > "
                                                "$HOME/../said; while :; do sleep 0.01; done"})));
  ASSERT_EQ(said.line(), "trapped\n");
  cancel();
  EXPECT_EQ(failure().code(), "task.cancelled");
  EXPECT_NE(contents_of_file(folder_ / "log").find("got TERM"), std::string::npos);
}

TEST_F(RunnerProtocol, a_process_that_left_the_group_ends_with_the_attempt) {
  const auto done = finish(assignment(
      "leaver", command({"/bin/sh", "-c", "setsid sleep 600 & echo $! > $HOME/../left"})));
  ASSERT_TRUE(done.has_value());
  pid_t left = 0;
  std::ifstream(folder_ / "left") >> left;
  EXPECT_GT(left, 0);
  EXPECT_FALSE(is_running(left)) << "waited for before the result was said";
}

TEST_F(RunnerProtocol, a_body_that_is_none_fails_and_the_runner_goes_on) {
  const auto failed = fail(assignment("odd", {{"query", {{"sql", "SELECT 1"}}}}));
  EXPECT_EQ(failed.error_class(), "User");
  EXPECT_TRUE(finish(assignment("fine", command({"/bin/true"}))).has_value());
}

TEST_F(RunnerProtocol, a_refused_statement_says_where) {
  const auto failed = fail(assignment(
      "closed",
      {{"query",
        {{"sql", "SELECT *\nFROM read_csv('/etc/passwd')"}, {"into", {{"dataset", "n"}}}}}}));
  EXPECT_EQ(failed.error_class(), "Policy");
  EXPECT_EQ(failed.code(), "sql.table_function_refused");
  EXPECT_EQ(failed.path(), "2:6");
}

// 50 columns of a struct with 100 long field names: a schema of more than a frame holds.
TEST_F(RunnerProtocol, a_result_that_fits_no_message_is_the_tasks_fault_and_said_as_one) {
  std::string fields;
  for (int i = 0; i < 100; ++i)
    fields += (i == 0 ? "'" : ", '") + std::string(240, 'f') + std::to_string(i) + "': 1";
  std::string columns;
  for (int i = 0; i < 50; ++i) columns += (i == 0 ? "s AS c" : ", s AS c") + std::to_string(i);
  const auto failed = fail(
      assignment("wide", {{"query",
                           {{"sql", "SELECT " + columns + " FROM (SELECT {" + fields + "} AS s)"},
                            {"into", {{"dataset", "wide"}}}}}}));
  EXPECT_EQ(failed.error_class(), "User");
  EXPECT_EQ(failed.code(), "result.too_large") << failed.message();
  EXPECT_FALSE(
      std::filesystem::exists(folder_ / ("data/default/flights-1/wide/" + std::to_string(epoch_))))
      << "what nobody is told of is not left behind";
  EXPECT_TRUE(finish(assignment("fine", command({"/bin/true"}))).has_value());
}

TEST_F(RunnerProtocol, names_in_a_file_that_are_no_text_are_refused) {
  for (const char* const columns : {"1 AS odd_name", "{'odd_name': 1} AS s"}) {
    const auto made = finish(assignment(
        "make",
        {{"query", {{"sql", std::string("SELECT ") + columns}, {"into", {{"dataset", "odd"}}}}}}));
    ASSERT_TRUE(made.has_value());
    std::string parquet = contents_of_file(folder_ / ("data/" + made->files.at(0).at(0).path()));
    for (std::size_t at = 0; (at = parquet.find("odd_name", at)) != std::string::npos;)
      parquet.replace(at, 3, "od\xFF");
    const std::string path = folder_.write("out/odd.parquet", parquet);
    const auto failed = fail(
        assignment("load", {{"ingest",
                             {{"from", {{"url", "file://" + path}, {"parquet", json::object()}}},
                              {"into", {{"dataset", "loaded"}}}}}}));
    EXPECT_EQ(failed.error_class(), "User") << failed.code() << ": " << failed.message();
  }
}

TEST_F(RunnerProtocol, nonsense_on_the_channel_ends_the_runner) {
  const std::string nonsense(64, '\xFF');
  ASSERT_TRUE(runner_->send_bytes(nonsense));
  EXPECT_NE(runner_->wait_for_end(), 0);
}

}  // namespace
}  // namespace millrace::runner
