// The real millrace-runner over a socketpair: the demonstration's tasks on the real flights, leases
// that pass, workers that vanish, attempts that are cancelled.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lib/ipc/files_checksum.h"
#include "lib/ipc/runner_exit.h"
#include "workers/kernel/testing/temp_folder.h"
#include "workers/runner/lease_guard.h"
#include "workers/runner/testing/runner_under_test.h"

namespace millrace::runner {
namespace {

namespace wire = millrace::task::v1alpha1;
using millrace::testing::flights_folder;
using millrace::testing::read_file;
using millrace::testing::TempFolder;
using nlohmann::json;
using v1alpha1::FromRunner;
using v1alpha1::ToRunner;

constexpr std::int64_t kLongLease = 600'000'000;

// What an attempt left: its success and its files, per write.
struct Finished {
  wire::Success success;
  std::vector<std::vector<wire::FileRow>> files;
};

class RunnerProtocol : public ::testing::Test {
 protected:
  RunnerProtocol() : runner(folder / "log") {
    const auto ready = runner.receive();
    EXPECT_TRUE(ready.has_value() && ready->ready().pid() == runner.pid());
  }

  ToRunner assignment(const std::string& name, const json& kind, const json& parameters = {},
                      std::int64_t lease_us = kLongLease) {
    ToRunner message;
    v1alpha1::Assign& assign = *message.mutable_assign();
    wire::Description& description = *assign.mutable_description();
    description.mutable_attempt()->set_run_id(std::string(15, '\0') + "\1");
    description.mutable_attempt()->set_task_index(++tasks);
    description.mutable_attempt()->set_attempt(1);
    description.mutable_attempt()->set_epoch(++epoch);
    description.set_namespace_("default");
    description.set_run_name("flights-1");
    description.set_task_name(name);
    json body = kind;
    body["name"] = name;
    description.set_kind(kind.begin().key());
    description.set_body_json(body.dump());
    description.set_parameters_json(parameters.is_null() ? "{}" : parameters.dump());
    description.set_phase(wire::PHASE_EXECUTE);
    assign.mutable_grant()->set_cpu_millis(2000);
    assign.mutable_grant()->set_memory_bytes(1LL << 30);
    assign.mutable_grant()->set_disk_bytes(1LL << 30);
    assign.set_scratch_dir(folder / ("scratch" + std::to_string(epoch)));
    std::filesystem::create_directories(assign.scratch_dir());
    assign.set_data_root(folder / "data");
    assign.set_output_prefix("default/flights-1/" + name + "/" + std::to_string(epoch));
    assign.set_lease_deadline_monotonic_us(monotonic_now().value() + lease_us);
    assign.add_allowed_roots(flights_folder());
    assign.add_allowed_roots(folder / "out");
    assign.set_grace_us(200'000);
    return message;
  }

  void add_input(ToRunner& message, const std::string& dataset, const Finished& from) {
    wire::Input& input = *message.mutable_assign()->mutable_description()->add_inputs();
    input.set_dataset(dataset);
    input.set_snapshot_id("s-" + dataset);
    input.set_schema_json(from.success.writes(0).schema_json());
    for (const wire::FileRow& file : from.files.at(0)) *input.add_files() = file;
  }

  std::optional<Finished> finish(const ToRunner& message) {
    runner.send(message);
    return finished();
  }

  std::optional<Finished> finished() {
    Finished result;
    ipc::FilesChecksum checksum;
    std::uint32_t files = 0;
    const auto last = runner.wait_for(FromRunner::kSucceeded, [&](const FromRunner& other) {
      if (!other.has_file_page()) return;
      const wire::FilePage& page = other.file_page().page();
      if (result.files.size() <= page.write_index()) result.files.resize(page.write_index() + 1);
      for (const wire::FileRow& file : page.files()) {
        result.files[page.write_index()].push_back(file);
        checksum.add(file.path(), file.checksum());
        ++files;
      }
    });
    if (!last.has_value()) return std::nullopt;
    result.success = last->succeeded().success();
    result.files.resize(static_cast<std::size_t>(result.success.writes_size()));
    EXPECT_EQ(result.success.file_count(), files);
    EXPECT_EQ(result.success.files_checksum(), checksum.text());
    for (const auto& write : result.files)
      for (const wire::FileRow& file : write)
        EXPECT_EQ(std::filesystem::file_size(folder / ("data/" + file.path())), file.bytes());
    return result;
  }

  wire::Failure failure(const ToRunner& message) {
    runner.send(message);
    while (auto next = runner.receive()) {
      if (next->has_failed()) return next->failed().failure();
      if (next->has_succeeded()) break;
    }
    ADD_FAILURE() << "the attempt did not fail";
    return {};
  }

  static json ingest(const std::string& dataset) {
    return {{"ingest",
             {{"from", {{"url", "file://" + flights_folder() + "/" + dataset + ".csv"},
                        {"csv", {{"nulls", {"NA"}}}}}},
              {"into", {{"dataset", dataset}}}}}};
  }

  TempFolder folder;
  RunnerUnderTest runner;
  std::uint64_t epoch = 6;
  std::uint32_t tasks = 0;
};

TEST_F(RunnerProtocol, one_runner_ingests_joins_delivers_and_publishes) {
  const auto flights = finish(assignment("load_flights", ingest("flights")));
  const auto weather = finish(assignment("load_weather", ingest("weather")));
  const auto planes = finish(assignment("load_planes", ingest("planes")));
  ASSERT_TRUE(flights.has_value() && weather.has_value() && planes.has_value());
  EXPECT_EQ(flights->success.message(), "336,776 rows");
  EXPECT_EQ(flights->success.writes(0).dataset(), "flights");
  EXPECT_EQ(flights->success.writes(1).dataset(), "flights_quarantine");
  EXPECT_EQ(flights->success.writes(1).file_count(), 0U);

  ToRunner query = assignment(
      "delays",
      {{"query",
        {{"sql",
          "SELECT f.carrier, p.engine, count(*) AS n, avg(f.dep_delay) AS delay, avg(w.visib) AS visib\n"
          "FROM flights f JOIN planes p ON p.tailnum = f.tailnum\n"
          "JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour\n"
          "GROUP BY f.carrier, p.engine HAVING count(*) >= $min_flights ORDER BY n DESC"},
         {"into", {{"dataset", "delays"}}}}}},
      {{"min_flights", 100}});
  add_input(query, "flights", *flights);
  add_input(query, "weather", *weather);
  add_input(query, "planes", *planes);
  const auto delays = finish(query);
  ASSERT_TRUE(delays.has_value());
  EXPECT_GT(delays->success.writes(0).rows(), 10);

  const std::string url = "file://" + folder / "out/delays";
  const json deliver = {
      {"deliver", {{"dataset", "delays"}, {"to", {{"objectStore", {{"url", url}, {"csv", json::object()}}}}}}}};
  ToRunner staging = assignment("to_store", deliver);
  add_input(staging, "delays", *delays);
  const auto staged = finish(staging);
  ASSERT_TRUE(staged.has_value());
  EXPECT_FALSE(std::filesystem::exists(folder / "out/delays/manifest.json"));

  ToRunner publication = assignment("to_store", deliver);
  wire::Description& description = *publication.mutable_assign()->mutable_description();
  description.set_phase(wire::PHASE_PUBLISH);
  description.set_publication_json(staged->success.publication_json());
  description.set_publication_order(17);
  ASSERT_TRUE(finish(publication).has_value());
  const std::string csv = read_file(folder / "out/delays/delays-00000.17.csv");
  EXPECT_EQ(csv.substr(0, csv.find('\n')), "carrier,engine,n,delay,visib");
  EXPECT_EQ(std::ranges::count(csv, '\n'), delays->success.writes(0).rows() + 1);
  const json manifest = json::parse(read_file(folder / "out/delays/manifest.json"));
  EXPECT_EQ(manifest["order"], 17);
  EXPECT_EQ(manifest["files"][0]["name"], "delays-00000.17.csv");
}

TEST_F(RunnerProtocol, a_command_hands_on_typed_outputs) {
  const auto done = finish(assignment(
      "score", {{"command", {{"argv", {"/bin/sh", "-c", "echo 12 > $MILLRACE_OUTPUTS/kept; env"}}}},
                {"outputs", {{{"name", "kept"}, {"integer", json::object()}}}}}));
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->success.outputs_json(), R"({"kept":12})");
  EXPECT_NE(read_file(folder / "log").find("MILLRACE_TASK=score"), std::string::npos);
}

// A process is gone when nothing answers to its number any more, or what answers is another.
bool alive(std::int64_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

TEST_F(RunnerProtocol, a_lease_that_passes_ends_runner_and_command) {
  runner.send(assignment("sleepy", {{"command", {{"argv", {"/bin/sh", "-c", "sleep 600 & sleep 600"}}}}},
                         {}, 400'000));
  const auto group = runner.wait_for(FromRunner::kProcessGroup);
  ASSERT_TRUE(group.has_value());
  const std::int64_t pid = group->process_group().pgid();
  EXPECT_TRUE(alive(pid));
  const int status = runner.wait_for_end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == ipc::kLeasePassedExit);
  EXPECT_EQ(::kill(static_cast<pid_t>(-pid), 0) == 0 && alive(pid), false);
}

TEST_F(RunnerProtocol, a_renewed_lease_does_not_pass) {
  runner.send(assignment("short", {{"command", {{"argv", {"/bin/sleep", "1"}}}}}, {}, 400'000));
  ASSERT_TRUE(runner.wait_for(FromRunner::kStarted).has_value());
  ToRunner renew;
  renew.mutable_renew()->set_epoch(epoch);
  renew.mutable_renew()->set_lease_deadline_monotonic_us(monotonic_now().value() + kLongLease);
  runner.send(renew);
  EXPECT_TRUE(finished().has_value());
}

TEST_F(RunnerProtocol, the_end_of_the_channel_ends_runner_and_command) {
  runner.send(assignment("sleepy", {{"command", {{"argv", {"/bin/sleep", "600"}}}}}));
  const auto group = runner.wait_for(FromRunner::kProcessGroup);
  ASSERT_TRUE(group.has_value());
  runner.close_channel();
  EXPECT_EQ(runner.wait_for_end(), 0);
  const std::int64_t pid = group->process_group().pgid();
  EXPECT_EQ(::kill(static_cast<pid_t>(-pid), 0) == 0 && alive(pid), false);
}

TEST_F(RunnerProtocol, a_cancelled_attempt_says_so) {
  runner.send(assignment("sleepy", {{"command", {{"argv", {"/bin/sleep", "600"}}}}}));
  ASSERT_TRUE(runner.wait_for(FromRunner::kProcessGroup).has_value());
  ToRunner cancel;
  cancel.mutable_cancel()->set_epoch(epoch);
  EXPECT_EQ(failure(cancel).code(), "task.cancelled");
}

TEST_F(RunnerProtocol, a_body_that_is_none_fails_and_the_runner_goes_on) {
  ToRunner message = assignment("odd", {{"query", {{"sql", "SELECT 1"}}}});
  EXPECT_EQ(failure(message).error_class(), "User");
  EXPECT_TRUE(finish(assignment("fine", {{"command", {{"argv", {"/bin/true"}}}}})).has_value());
}

}  // namespace
}  // namespace millrace::runner
