// Parameters: the values that a run is given, held against what its workflow declares. Nothing is
// converted: a text is no number. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manifest/generated/types.h"
#include "manifest/problem.h"

namespace millrace::manifest {

// "string", "integer", "boolean", "strings"
std::string_view type_name(const Parameter& parameter);
std::optional<Value> default_of(const Parameter& parameter);

// Why the value is none of the parameter's; its path is the parameter's name.
// min_flights: "many" is no integer. Give a whole number.
std::optional<Error> check_value(const Parameter& parameter, const Value& value);

struct BoundParameters {
  std::map<std::string, Value, std::less<>>
      values;         // every declared one, when there are no findings
  Findings findings;  // pointers from the run's root
};
// The run's values and, where it gives none, the defaults. Codes: parameter.unknown,
// parameter.missing, value.type, value.range, value.length, value.character.
BoundParameters bind_parameters(const std::vector<Parameter>& declared,
                                const std::vector<ParameterValue>& given);

// Values by name as canonical JSON has them, {"min_flights": 100}. Error: task.request_invalid
// (infrastructure), for a text that is none of ours.
Result<std::map<std::string, Value>> values_from_json(std::string_view text);

// What a command line gives: text as it is, digits, true or false, a JSON list of texts.
Result<Value> value_from_text(const Parameter& parameter, std::string_view text);

}  // namespace millrace::manifest
