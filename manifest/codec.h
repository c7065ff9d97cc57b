// Structs as canonical JSON and back: keys sorted, defaults filled in, no blanks, so equal things
// have equal texts. What the scheduler stores, hashes and sends, and what a runner reads; no YAML
// here. Thread-safe.
//
//   Result<Task> task = task_from_json(body);
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "manifest/generated/types.h"

namespace millrace::manifest {

// Documents whole, with apiVersion, kind, metadata and spec; the namespace only if it has one.
std::string to_json(const Workflow& workflow);
std::string to_json(const WorkflowRun& run);
std::string to_json(const Task& task);
std::string to_json(const WorkflowRunStatus& status);

// Documents of ours again. The error is the first problem, its path the field.
Result<Workflow> workflow_from_json(std::string_view text);
Result<WorkflowRun> workflow_run_from_json(std::string_view text);

// A task whose references have been filled in (reference.h): its texts are taken as they are,
// checked for their form, and numbers and booleans that stand where text is wanted become text.
Result<Task> task_from_json(std::string_view text);

// A task out of a stored workflow, whose references are still open.
Result<Task> task_template_from_json(std::string_view text);

}  // namespace millrace::manifest
