// What POST R/reruns asks for, all of it optional:
//
//   {"tasks": ["delays"], "parameters": {"min_flights": 5}}
//
// and which of a workflow's tasks it concerns. Pure, but for the analysis of SQL.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/generated/types.h"
#include "manifest/problem.h"
#include "scheduler/api/compile.h"
#include "scheduler/api/json.h"
#include "scheduler/core/types.h"

namespace millrace::api {

struct RerunRequest {
  std::vector<std::string> tasks;                    // to run again although they succeeded
  std::vector<manifest::ParameterValue> parameters;  // the others stay what they were
};
struct ReadRerun {
  RerunRequest rerun;
  manifest::Problems problems;
};
ReadRerun read_rerun(const Json& body);

// The positions of the named tasks, sorted; a problem (task.unknown) for each that is none.
struct NamedTasks {
  std::vector<scheduler::TaskIndex> tasks;
  manifest::Problems problems;
};
NamedTasks named_tasks(const std::vector<std::string>& names, const scheduler::WorkflowSpec& spec);

// The origin's parameters (an object by name) under those that are given anew.
std::vector<manifest::ParameterValue> merged_parameters(
    const std::vector<manifest::ParameterValue>& given, const std::string& origin_json);
// Names whose values differ between the two objects.
std::set<std::string> changed_parameters(const std::string& before_json,
                                         const std::string& after_json);

// Tasks in whose texts one of the parameters stands: as ${{parameters.x}}, or as $x in SQL. An
// Error where the SQL can't be analysed.
Result<std::vector<scheduler::TaskIndex>> tasks_seeing(const std::set<std::string>& parameters,
                                                       const manifest::Workflow& workflow,
                                                       const SqlAnalyzer& analyze);

// Of all that the caller sent: tells a replay under the same idempotency key from another request.
scheduler::BodyHash rerun_hash(scheduler::RunId origin, const RerunRequest& rerun);

}  // namespace millrace::api
