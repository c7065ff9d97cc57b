// What a scalar without quotes means to the readers of YAML: kubectl reads YAML 1.1, others 1.2.
// Where they differ, or see no text, a text wants quotes.
#pragma once

#include <string_view>

namespace millrace::manifest {

enum class Reading { kText, kNull, kBoolean, kNumber, kTime };

Reading read_as_yaml_1_1(std::string_view plain);  // https://yaml.org/type/
Reading read_as_yaml_1_2(std::string_view plain);  // the core schema

// "text", "null", "a boolean", "a number", "a time"
std::string_view to_string(Reading reading);

// A whole number that every reader sees alike: digits without leading zeros, perhaps a minus
// before.
bool is_plain_integer(std::string_view plain);

}  // namespace millrace::manifest
