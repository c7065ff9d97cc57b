// YAML as JSON: what a short body says, whichever way it is written. Inside scheduler/api only.
#pragma once

#include <optional>
#include <string>

#include "manifest/node.h"
#include "scheduler/api/json.h"

namespace millrace::api {

// Plain scalars as YAML 1.2 has them.
Json json_of(const manifest::Node& node);

// The one mapping that the text is; nothing: it is no such thing, or can't be read.
std::optional<Json> json_of_yaml(const std::string& text);

}  // namespace millrace::api
