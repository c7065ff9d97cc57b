#include "workers/runner/testing/runner_fixture.h"

#include <chrono>
#include <filesystem>

#include "lib/ipc/files_checksum.h"
#include "lib/process/handle.h"
#include "lib/process/stat.h"
#include "workers/runner/lease_guard.h"

namespace millrace::runner {

namespace wire = millrace::task::v1alpha1;
using millrace::testing::flights_folder;
using nlohmann::json;
using v1alpha1::FromRunner;
using v1alpha1::ToRunner;

void RunnerFixture::start(const std::vector<std::string>& environment) {
  runner_.reset();
  runner_ = std::make_unique<RunnerUnderTest>(folder_ / "log", environment);
  const auto ready = runner_->receive();
  ASSERT_TRUE(ready.has_value() && ready->ready().pid() == runner_->pid());
}

ToRunner RunnerFixture::assignment(const std::string& name, const json& kind,
                                   const json& parameters) {
  ToRunner message;
  v1alpha1::Assign& assign = *message.mutable_assign();
  wire::Description& description = *assign.mutable_description();
  description.mutable_attempt()->set_run_id(std::string(15, '\0') + "\1");
  description.mutable_attempt()->set_task_index(3);
  description.mutable_attempt()->set_attempt(1);
  description.mutable_attempt()->set_epoch(++epoch_);
  description.set_namespace_("default");
  description.set_run_name("flights-1");
  description.set_task_name(name);
  json body = kind;
  body["name"] = name;
  description.set_body_json(body.dump());
  description.set_parameters_json(parameters.dump());
  description.set_phase(wire::PHASE_EXECUTE);
  assign.mutable_grant()->set_cpu_millis(2000);
  assign.mutable_grant()->set_memory_bytes(1LL << 30);
  assign.mutable_grant()->set_disk_bytes(1LL << 30);
  assign.set_scratch_dir(folder_ / ("scratch" + std::to_string(epoch_)));
  std::filesystem::create_directories(assign.scratch_dir());
  assign.set_data_root(folder_ / "data");
  assign.set_output_prefix("default/flights-1/" + name + "/" + std::to_string(epoch_));
  assign.add_allowed_roots(flights_folder());
  assign.add_allowed_roots(folder_ / "out");
  assign.set_grace_us(200'000);
  set_lease(message, std::chrono::minutes(10));
  return message;
}

void RunnerFixture::add_input(ToRunner& message, const std::string& dataset, const Finished& from) {
  wire::Input& input = *message.mutable_assign()->mutable_description()->add_inputs();
  input.set_dataset(dataset);
  input.set_snapshot_id("s-" + dataset);
  input.set_schema_json(from.success.writes(0).schema_json());
  for (const wire::FileRow& file : from.files.at(0)) *input.add_files() = file;
}

void RunnerFixture::set_lease(ToRunner& message, std::chrono::milliseconds from_now) {
  message.mutable_assign()->set_lease_deadline_monotonic_us(
      monotonic_now().value() + std::chrono::microseconds(from_now).count());
}

std::optional<Finished> RunnerFixture::finish(const ToRunner& message) {
  runner_->send(message);
  return finished();
}

std::optional<Finished> RunnerFixture::finished() {
  Finished result;
  ipc::FilesChecksum checksum;
  std::uint32_t files = 0;
  const auto last = runner_->wait_for(FromRunner::kSucceeded, [&](const FromRunner& other) {
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
  EXPECT_EQ(last->succeeded().epoch(), epoch_);
  result.success = last->succeeded().success();
  result.files.resize(static_cast<std::size_t>(result.success.writes_size()));
  EXPECT_EQ(result.success.file_count(), files);
  EXPECT_EQ(result.success.files_checksum(), checksum.text());
  for (const auto& write : result.files)
    for (const wire::FileRow& file : write)
      EXPECT_EQ(std::filesystem::file_size(folder_ / ("data/" + file.path())),
                static_cast<std::uintmax_t>(file.bytes()));
  return result;
}

wire::Failure RunnerFixture::fail(const ToRunner& message) {
  runner_->send(message);
  return failure();
}

wire::Failure RunnerFixture::failure() {
  while (auto next = runner_->receive()) {
    if (next->has_failed()) return next->failed().failure();
    if (next->has_succeeded()) break;
  }
  ADD_FAILURE() << "the attempt did not fail";
  return {};
}

void RunnerFixture::cancel() {
  ToRunner message;
  message.mutable_cancel()->set_epoch(epoch_);
  runner_->send(message);
}

json RunnerFixture::ingest_of(const std::string& table) {
  return {{"ingest",
           {{"from",
             {{"url", "file://" + flights_folder() + "/" + table + ".csv"},
              {"csv", {{"nulls", {"NA"}}}}}},
            {"into", {{"dataset", table}}}}}};
}

json RunnerFixture::deliver_of(const std::string& dataset, const std::string& format) const {
  return {{"deliver",
           {{"dataset", dataset},
            {"to",
             {{"objectStore",
               {{"url", "file://" + folder_ / ("out/" + dataset)}, {format, json::object()}}}}}}}};
}

ToRunner RunnerFixture::publication(const json& deliver, const Finished& staged,
                                    std::int64_t order) {
  ToRunner message = assignment("to_store", deliver);
  wire::Description& description = *message.mutable_assign()->mutable_description();
  description.set_phase(wire::PHASE_PUBLISH);
  description.set_publication_json(staged.success.publication_json());
  description.set_publication_order(order);
  description.set_installation("ours");
  return message;
}

bool is_running(std::int64_t pid) {
  const auto stat = process::read_stat(static_cast<pid_t>(pid));
  return stat && stat->state != 'Z';
}

bool ends(std::int64_t pid) {
  const auto held = process::Handle::of(static_cast<pid_t>(pid));
  return !held || held->wait(seconds(30));
}

}  // namespace millrace::runner
