// The OpenAPI document of openapi.yaml, which is compiled in.
#pragma once

#include <string>
#include <string_view>

namespace millrace::api {

std::string_view openapi_yaml();
// Made once, at the first call. Thread-safe.
const std::string& openapi_json();

}  // namespace millrace::api
