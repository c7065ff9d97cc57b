// JSON written as YAML, for people and pipes. Pure.
#pragma once

#include <string>

namespace millrace::cli {

// Keys in the order that they have; texts quoted wherever YAML 1.1 or 1.2 would read them as
// something else. What is no JSON comes back as it is.
std::string yaml_of_json(const std::string& json);

}  // namespace millrace::cli
