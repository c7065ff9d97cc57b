// Bodies of requests as JSON objects: parsed, bounded in depth, without doubled keys. Inside
// scheduler/api only.
#pragma once

#include <string>

#include "base/result.h"
#include "lib/http/message.h"
#include "manifest/document.h"
#include "scheduler/api/json.h"

namespace millrace::api {

// How the body is to be read, by its content type: JSON, or YAML (also when none is given). Error:
// body.media_type.
Result<manifest::Syntax> syntax_of(const http::Request& request);

// A JSON object, the content type saying so (or nothing). Errors: body.media_type, body.malformed.
Result<Json> json_body(const http::Request& request);

}  // namespace millrace::api
