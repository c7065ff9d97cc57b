#include "cli/rows_text.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "cli/text.h"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

bool is_numeric(std::string_view type) {
  constexpr std::array<std::string_view, 13> kNumeric = {
      "TINYINT",  "SMALLINT", "INTEGER",  "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
      "UINTEGER", "UBIGINT",  "UHUGEINT", "FLOAT",  "DOUBLE",  "DECIMAL"};
  if (type.ends_with(']')) return false;
  return std::ranges::find(kNumeric, type.substr(0, type.find('('))) != kNumeric.end();
}

std::string cell(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

std::optional<RowsText> rows_text(const std::string& body, int width) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("columns") || !json["columns"].is_array() ||
      !json.contains("rows") || !json["rows"].is_array())
    return std::nullopt;
  std::vector<std::string> names;
  std::vector<Column> columns;
  for (const Json& column : json["columns"]) {
    if (!column.is_object() || !column.contains("name") || !column["name"].is_string())
      return std::nullopt;
    names.push_back(column["name"].get<std::string>());
    columns.push_back({fit(printable(names.back()), width),
                       column.contains("type") && column["type"].is_string() &&
                           is_numeric(column["type"].get_ref<const std::string&>())});
  }
  std::vector<std::vector<std::string>> rows;
  for (const Json& row : json["rows"]) {
    std::vector<std::string>& cells = rows.emplace_back();
    for (const std::string& name : names)
      cells.push_back(row.is_object() && row.contains(name) ? fit(cell(row[name]), width) : "");
  }
  return RowsText{table_text(columns, rows), rows.size(),
                  json.contains("truncated") && json["truncated"] == true};
}

}  // namespace millrace::cli
