// JSON as the api writes it: fields in the order they are put. Inside scheduler/api only: no public
// header includes it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lib/http/message.h"

namespace millrace::api {

using Json = nlohmann::ordered_json;

// Never throws: bytes that are no UTF-8 (a message of a command) are replaced.
inline std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

inline http::Response json_response(const Json& json, int status = 200) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = dump(json) + "\n";
  return response;
}

}  // namespace millrace::api
