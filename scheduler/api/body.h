// Bodies of requests as JSON objects: parsed, bounded in depth, without doubled keys. Inside
// scheduler/api only.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "lib/http/message.h"
#include "manifest/document.h"
#include "manifest/problem.h"
#include "manifest/value.h"
#include "scheduler/api/json.h"

namespace millrace::api {

// How the body is to be read, by its content type: JSON, or YAML (also when none is given). Error:
// body.media_type.
Result<manifest::Syntax> syntax_of(const http::Request& request);

// A JSON object, the content type saying so (or nothing). Errors: body.media_type, body.malformed.
Result<Json> json_body(const http::Request& request);

// What a parameter can hold; nothing for what none can (objects, fractions, null).
std::optional<manifest::Value> value_of(const Json& json);

// Something wrong at one place of a JSON body.
manifest::Problem problem_at(Error error, std::string pointer);

}  // namespace millrace::api
