#include "workers/kernel/schema.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"

namespace millrace::kernel {
namespace {

constexpr std::size_t kMaxNameBytes = 255;

Error malformed(const std::string& message) {
  return Error{ErrorClass::kInfrastructure, "schema.malformed", message};
}

Error bad_name(const std::string& message) {
  return Error{ErrorClass::kUser, "schema.column_name", message, "rename the column"};
}

}  // namespace

std::string to_json(const Schema& schema) {
  nlohmann::json columns = nlohmann::json::array();
  for (const ColumnSpec& column : schema.columns)
    columns.push_back(
        {{"name", column.name}, {"type", column.type}, {"nullable", column.nullable}});
  return nlohmann::json{{"columns", std::move(columns)}}.dump();
}

Result<Schema> schema_from_json(std::string_view json) {
  const nlohmann::json root = nlohmann::json::parse(json, nullptr, false);
  if (!root.is_object() || !root.contains("columns") || !root["columns"].is_array())
    return malformed("the schema is no object with an array \"columns\"");
  Schema schema;
  for (const nlohmann::json& column : root["columns"]) {
    if (!column.is_object() || !column.contains("name") || !column["name"].is_string() ||
        !column.contains("type") || !column["type"].is_string())
      return malformed("a column of the schema lacks its name or type");
    schema.columns.push_back({column["name"].get<std::string>(), column["type"].get<std::string>(),
                              column.value("nullable", true)});
  }
  return schema;
}

Status check_column_names(const Schema& schema) {
  std::set<std::string> seen;
  for (const ColumnSpec& column : schema.columns) {
    if (column.name.empty()) return bad_name("a column has no name");
    if (column.name.size() > kMaxNameBytes)
      return bad_name("the column name \"" + column.name.substr(0, 40) + "…\" exceeds 255 bytes");
    if (column.name.find('\0') != std::string::npos)
      return bad_name("a column name has a NUL byte");
    if (!simdjson::validate_utf8(column.name)) return bad_name("a column name is no UTF-8 text");
    if (!seen.insert(folded(column.name)).second)
      return bad_name("two columns are named \"" + column.name + "\"");
  }
  return ok_status();
}

}  // namespace millrace::kernel
