#include "scheduler/api/body.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

namespace millrace::api {
namespace {

// "application/json; charset=utf-8" → "application/json"
std::string media_type(const http::Request& request) {
  std::string type(request.headers.get("content-type"));
  type.erase(std::min(type.find(';'), type.size()));
  type.erase(std::min(type.find_last_not_of(" \t") + 1, type.size()));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

bool is_json(std::string_view type) {
  return type == "application/json" || type == "application/merge-patch+json";
}

Error wrong_type(const std::string& type, std::string wanted) {
  return {ErrorClass::kUser, "body.media_type", "a body of type \"" + type + "\" is not understood",
          "send " + std::move(wanted), ""};
}

Error malformed(std::string message) {
  return {ErrorClass::kUser, "body.malformed", std::move(message), "send one JSON object", ""};
}

constexpr int kMaxDepth = 32;

}  // namespace

Result<manifest::Syntax> syntax_of(const http::Request& request) {
  const std::string type = media_type(request);
  if (is_json(type)) return manifest::Syntax::kJson;
  for (const std::string_view yaml :
       {"", "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/vnd.yaml"})
    if (type == yaml) return manifest::Syntax::kYaml;
  return wrong_type(type, "application/yaml or application/json");
}

Result<Json> json_body(const http::Request& request) {
  const std::string type = media_type(request);
  if (!type.empty() && !is_json(type)) return wrong_type(type, "application/json");
  // Doubled keys: the parser would keep the last without a word.
  std::vector<std::set<std::string>> keys;
  std::string doubled;
  bool too_deep = false;
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) too_deep = true;
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      doubled = parsed.get<std::string>();
    return !too_deep;
  };
  Json json;
  try {
    json = Json::parse(request.body, watch);
  } catch (const Json::parse_error& error) {
    return malformed("no JSON: at byte " + std::to_string(error.byte));
  }
  if (too_deep) return malformed("nested deeper than " + std::to_string(kMaxDepth) + " levels");
  if (!doubled.empty()) return malformed("\"" + doubled + "\" is given twice");
  if (!json.is_object()) return malformed("no JSON object");
  return json;
}

std::optional<manifest::Value> value_of(const Json& json) {
  if (json.is_string()) return manifest::Value(json.get<std::string>());
  if (json.is_boolean()) return manifest::Value(json.get<bool>());
  if (json.is_number_integer() &&
      (!json.is_number_unsigned() || json.get<std::uint64_t>() <= std::uint64_t{INT64_MAX}))
    return manifest::Value(json.get<std::int64_t>());
  if (!json.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const Json& item : json) {
    if (!item.is_string()) return std::nullopt;
    texts.push_back(item.get<std::string>());
  }
  return manifest::Value(std::move(texts));
}

manifest::Problem problem_at(Error error, std::string pointer) {
  manifest::Problem problem;
  error.path = manifest::path_of_pointer(pointer);
  problem.error = std::move(error);
  problem.pointer = std::move(pointer);
  return problem;
}

}  // namespace millrace::api
