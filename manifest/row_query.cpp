#include "manifest/row_query.h"

#include <utility>

#include "manifest/json.h"
#include "manifest/parameters.h"

namespace millrace::manifest {
namespace {

constexpr std::string_view kCsv = "csv";

Error invalid(const std::string& what) {
  return {ErrorClass::kInfrastructure, "task.request_invalid", "the query's body has no " + what};
}

}  // namespace

std::string to_json(const RowQuery& query) {
  Json parameters = Json::object();
  for (const auto& [name, value] : query.parameters)
    parameters[name] = std::visit([](const auto& held) -> Json { return held; }, value);
  const Json json = {{"run", query.run},
                     {"sql", query.sql},
                     {"parameters", std::move(parameters)},
                     {"format", query.format == RowFormat::kCsv ? "csv" : "json"},
                     {"maxRows", query.max_rows},
                     {"maxBytes", query.max_bytes}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<RowQuery> row_query_from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return invalid("JSON object");
  const auto at = [&json](const char* name) {
    const auto found = json.find(name);
    return found == json.end() ? Json() : *found;
  };
  RowQuery query;
  for (const auto& [name, field] :
       {std::pair{"run", &RowQuery::run}, std::pair{"sql", &RowQuery::sql}}) {
    const Json value = at(name);
    if (!value.is_string()) return invalid(name);
    query.*field = value.get<std::string>();
  }
  for (const auto& [name, field] :
       {std::pair{"maxRows", &RowQuery::max_rows}, std::pair{"maxBytes", &RowQuery::max_bytes}}) {
    const Json value = at(name);
    if (!value.is_number_integer() || value.get<std::int64_t>() < 1) return invalid(name);
    query.*field = value.get<std::int64_t>();
  }
  query.format = at("format") == kCsv ? RowFormat::kCsv : RowFormat::kJson;
  MILLRACE_TRY(parameters, values_from_json(at("parameters").dump()));
  query.parameters = std::move(parameters);
  return query;
}

}  // namespace millrace::manifest
