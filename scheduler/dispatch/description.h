// Description: all that a runner needs to know of an attempt, as plain values. Read from the store,
// sent to the worker in pages; see millrace.task.v1alpha1.Description.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/core/types.h"
#include "scheduler/engine/attachment.h"

namespace millrace::scheduler {

// A dataset as the attempt's run reads it.
struct DescribedInput {
  std::string dataset;
  std::string snapshot_id;  // text form; empty: it has none yet and reads as empty
  std::string schema_json;
  std::vector<FileRow> files;
};

struct Description {
  AttemptRef attempt;
  std::string ns;
  std::string run_name;
  std::string task_name;
  std::string kind;
  std::string body_json;  // the task, every reference resolved
  std::string parameters_json;
  std::vector<DescribedInput> inputs;
  Phase phase = Phase::kExecute;
  std::string publication_json;        // with kPublish
  std::int64_t publication_order = 0;  // with kPublish
  std::string installation{};          // with kPublish: among whose publications it has that order
};

}  // namespace millrace::scheduler
