// RunnerFixture: attempts of every kind, assigned to a real runner, and what they end in. For
// tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "millrace/runner/v1alpha1/runner.pb.h"
#include "millrace/task/v1alpha1/task.pb.h"
#include "workers/kernel/testing/temp_folder.h"
#include "workers/runner/testing/runner_under_test.h"

namespace millrace::runner {

// What an attempt left: its success and its files, per write.
struct Finished {
  millrace::task::v1alpha1::Success success;
  std::vector<std::vector<millrace::task::v1alpha1::FileRow>> files;
};

class RunnerFixture : public ::testing::Test {
 protected:
  RunnerFixture() { start({}); }

  // Another runner in the place of the one before.
  void start(const std::vector<std::string>& environment);

  // Kind and its body as manifest/ has it: {"ingest": {…}}.
  v1alpha1::ToRunner assignment(const std::string& name, const nlohmann::json& kind,
                                const nlohmann::json& parameters = nlohmann::json::object());
  void add_input(v1alpha1::ToRunner& message, const std::string& dataset, const Finished& from);
  void set_lease(v1alpha1::ToRunner& message, std::chrono::milliseconds from_now);

  // Sends the assignment and waits for its success, whose pages are checked against it.
  std::optional<Finished> finish(const v1alpha1::ToRunner& message);
  std::optional<Finished> finished();
  // The same for its failure.
  millrace::task::v1alpha1::Failure fail(const v1alpha1::ToRunner& message);
  millrace::task::v1alpha1::Failure failure();
  void cancel();

  static nlohmann::json ingest_of(const std::string& table);
  nlohmann::json deliver_of(const std::string& dataset, const std::string& format = "csv") const;
  // The staging's publication.
  v1alpha1::ToRunner publication(const nlohmann::json& deliver, const Finished& staged,
                                 std::int64_t order);

  millrace::testing::TempFolder folder_;
  std::unique_ptr<RunnerUnderTest> runner_;
  std::uint64_t epoch_ = 6;
};

// Whether the process runs; one that waits to be reaped does not.
bool is_running(std::int64_t pid);
// Waits for its end, which comes a little after it was killed.
bool ends(std::int64_t pid);

}  // namespace millrace::runner
