// WorkflowSpec: the DAG as the scheduler sees it. Made from a manifest by the api, immutable,
// shared by the document and all its runs. Kinds of tasks are unknown here; traits are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

// One row of `onError`: the first whose match holds decides. Empty lists match everything.
struct RetryRow {
  std::vector<ErrorClass> classes;
  std::vector<std::string> codes;
  std::vector<int> exit_codes;

  enum class Action : std::uint8_t { kRetry, kFailTask, kFailRun };
  Action action = Action::kRetry;
  std::uint32_t max_attempts = 3;  // counts the first
  Micros backoff_initial = seconds(1);
  Micros backoff_max = seconds(300);
  bool elsewhere = false;  // not on the worker that failed, while there is another
  friend bool operator==(const RetryRow&, const RetryRow&) = default;
};

struct DatasetWrite {
  std::string dataset;
  WriteMode mode = WriteMode::kOverwrite;
  OnConflict on_conflict = OnConflict::kRetry;
  friend bool operator==(const DatasetWrite&, const DatasetWrite&) = default;
};

struct TaskSpec {
  std::string name;
  std::string kind;        // "ingest": carried for display and dispatch, never branched on
  bool publishes = false;  // trait: success stages an effect that a publication puts in place
  RunOn run_on = RunOn::kSuccess;
  std::vector<TaskIndex> needs;  // every edge, of dependsOn, data and references; sorted, unique
  Resources request;
  Micros timeout;          // from first ready to the end; 0: none
  Micros attempt_timeout;  // 0: none
  Micros queue_timeout;    // longest wait for room; 0: none
  std::vector<RetryRow> on_error;
  std::vector<std::string> reads;  // datasets, of this run or pinned at its start
  // In the order in which a result names them: the task's own target first, then what it records
  // besides (a quarantine).
  std::vector<DatasetWrite> writes;
  friend bool operator==(const TaskSpec&, const TaskSpec&) = default;
};

// Who waits for a task: the needs of all tasks turned round, in two arrays, because there are as
// many live specs as runs that bring their own.
class Dependents {
 public:
  Dependents() = default;
  // Needs are in range.
  explicit Dependents(const std::vector<TaskSpec>& tasks);
  std::span<const TaskIndex> operator[](std::size_t task) const {
    return std::span(all_).subspan(begin_[task], begin_[task + 1] - begin_[task]);
  }
  friend bool operator==(const Dependents&, const Dependents&) = default;

 private:
  std::vector<std::uint32_t> begin_;  // of each task's in all_, and the end behind the last
  std::vector<TaskIndex> all_;
};

struct WorkflowSpec {
  std::vector<TaskSpec> tasks;
  Micros timeout;                  // of a run; 0: none
  std::uint32_t max_parallel = 0;  // attempts of a run at once; 0: no limit
  std::string queue = "default";
  std::vector<RetryRow> on_error;  // asked after a task's own
  // A run of it is nobody's to list, watch or steer, and nothing is kept of it once it has ended:
  // somebody waits for its one answer.
  bool hidden = false;

  // Derived by finish(): who waits for a task, the datasets that come from outside the run.
  Dependents dependents;
  std::vector<std::string> external_reads;
  std::vector<Resources> requests;  // what its tasks ask for, each once; sorted

  // Call once after filling; checks that needs are in range and acyclic and derives the rest. The
  // error (spec.invalid) means a compiler of manifests is broken, or a log is.
  Status finish();
  friend bool operator==(const WorkflowSpec&, const WorkflowSpec&) = default;
};
using WorkflowSpecRef = std::shared_ptr<const WorkflowSpec>;

}  // namespace millrace::scheduler
