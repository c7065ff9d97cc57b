#include "lib/http/problem.h"

#include <nlohmann/json.hpp>

namespace millrace::http {
namespace {

using Json = nlohmann::ordered_json;

void put(Json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}

void put(Json& object, const char* name, int value) {
  if (value != 0) object[name] = value;
}

}  // namespace

std::string to_json(const Problem& problem) {
  Json object;
  object["type"] = problem.code.empty() ? "about:blank" : "https://millrace.io/e/" + problem.code;
  object["status"] = problem.status;
  put(object, "title", problem.title);
  put(object, "detail", problem.detail);
  put(object, "class", problem.error_class);
  put(object, "code", problem.code);
  put(object, "hint", problem.hint);
  for (const ProblemEntry& entry : problem.errors) {
    Json item = Json::object();
    put(item, "code", entry.code);
    put(item, "pointer", entry.pointer);
    put(item, "line", entry.line);
    put(item, "column", entry.column);
    put(item, "subject", entry.subject);
    put(item, "detail", entry.detail);
    put(item, "hint", entry.hint);
    object["errors"].push_back(std::move(item));
  }
  // What people sent may be quoted in it, and that need not be UTF-8.
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Response to_response(const Problem& problem) {
  Response response;
  response.status = problem.status;
  response.content_type = "application/problem+json";
  response.body = to_json(problem) + "\n";
  response.headers.add("Cache-Control", "no-store");
  return response;
}

}  // namespace millrace::http
