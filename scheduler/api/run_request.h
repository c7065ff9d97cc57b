// What POST N/runs asks for: either the short form
//
//   {"workflow": "flights", "parameters": {"min_flights": 5}, "name": "tonight"}
//
// or a WorkflowRun document, as the CLI and the operator have it; either in YAML or JSON. Pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "lib/http/message.h"
#include "manifest/document.h"
#include "manifest/generated/types.h"
#include "manifest/problem.h"
#include "scheduler/core/types.h"

namespace millrace::api {

struct RunRequest {
  std::string name;  // empty: named after the workflow
  std::string workflow;
  std::vector<manifest::ParameterValue> parameters;
  // What it was read from, in which findings have their places; none: the short form, of which
  // pointers lead to /parameters/x in place of /spec/parameters/0/value.
  std::shared_ptr<const manifest::Document> document = {};
};

// An Error for bodies that can't be read at all; problems for those that say something wrong.
struct ReadRun {
  RunRequest run;
  manifest::Problems problems;
};
Result<ReadRun> read_run(const http::Request& request, const std::string& ns);

// The run's values bound to what the workflow declares, defaults included, as canonical JSON (an
// object by name), or what is wrong with them.
struct BoundRun {
  std::string parameters_json;
  manifest::Problems problems;
};
BoundRun bind_run(const RunRequest& run, const std::vector<manifest::Parameter>& declared);

// Of all that the caller sent: tells a replay under the same idempotency key from another request.
scheduler::BodyHash request_hash(const std::string& ns, const RunRequest& run);

}  // namespace millrace::api
