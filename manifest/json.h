// The JSON library under one name. Inside manifest/ only: no public header includes it.
#pragma once

#include <nlohmann/json.hpp>

namespace millrace::manifest {

// Objects are ordered by key, so one value has one text.
using Json = nlohmann::json;

}  // namespace millrace::manifest
