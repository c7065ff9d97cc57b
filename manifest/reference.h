// References: the holes ${{…}} in the texts that a schema marks for them. There are three, and
// nothing is computed: ${{parameters.x}}, ${{run.id}}, ${{tasks.t.outputs.o}}. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "manifest/value.h"

namespace millrace::manifest {

struct ParameterReference {
  std::string name;
  friend bool operator==(const ParameterReference&, const ParameterReference&) = default;
};
struct RunIdReference {
  friend bool operator==(const RunIdReference&, const RunIdReference&) = default;
};
struct OutputReference {
  std::string task;
  std::string output;
  friend bool operator==(const OutputReference&, const OutputReference&) = default;
};
using Reference = std::variant<ParameterReference, RunIdReference, OutputReference>;

struct Hole {
  std::size_t begin = 0;  // of its $, in bytes
  std::size_t end = 0;    // behind its last }
  Reference reference;
};

struct HoleError {
  std::size_t offset = 0;
  Error error;
};

struct Holes {
  std::vector<Hole> holes;  // in their order, the good ones
  std::vector<HoleError> errors;
};
Holes find_holes(std::string_view text);

// "parameters.x", as between the braces.
std::string to_string(const Reference& reference);

// What a run knows when a task is about to start.
struct ReferenceValues {
  std::map<std::string, Value, std::less<>> parameters;
  std::string run_id;
  std::map<std::pair<std::string, std::string>, Value> outputs;  // by task and output
};

// A task's canonical JSON with every hole filled in. A text that is one hole takes the value with
// its type; among other text it is written out (true, 42); a list among text is refused. Codes:
// reference.unknown when there is no value, reference.list, value.json when `task_json` is none.
// The filled-in text is not looked at again, so a value that looks like a hole stays what it is.
Result<std::string> resolve(std::string_view task_json, const ReferenceValues& values);

}  // namespace millrace::manifest
