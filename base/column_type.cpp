#include "base/column_type.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"

namespace millrace {
namespace {

struct Spelling {
  std::string_view name;
  TypeKind kind;
  std::string_view sql;
};

constexpr std::array kSpellings{
    Spelling{"BOOLEAN", TypeKind::kBoolean, "BOOLEAN"},
    Spelling{"BOOL", TypeKind::kBoolean, "BOOLEAN"},
    Spelling{"TINYINT", TypeKind::kInteger, "TINYINT"},
    Spelling{"SMALLINT", TypeKind::kInteger, "SMALLINT"},
    Spelling{"INT2", TypeKind::kInteger, "SMALLINT"},
    Spelling{"INTEGER", TypeKind::kInteger, "INTEGER"},
    Spelling{"INT", TypeKind::kInteger, "INTEGER"},
    Spelling{"INT4", TypeKind::kInteger, "INTEGER"},
    Spelling{"BIGINT", TypeKind::kInteger, "BIGINT"},
    Spelling{"INT8", TypeKind::kInteger, "BIGINT"},
    Spelling{"UTINYINT", TypeKind::kInteger, "UTINYINT"},
    Spelling{"USMALLINT", TypeKind::kInteger, "USMALLINT"},
    Spelling{"UINTEGER", TypeKind::kInteger, "UINTEGER"},
    Spelling{"UBIGINT", TypeKind::kInteger, "UBIGINT"},
    Spelling{"FLOAT", TypeKind::kFloat, "FLOAT"},
    Spelling{"REAL", TypeKind::kFloat, "FLOAT"},
    Spelling{"FLOAT4", TypeKind::kFloat, "FLOAT"},
    Spelling{"DOUBLE", TypeKind::kFloat, "DOUBLE"},
    Spelling{"DOUBLE PRECISION", TypeKind::kFloat, "DOUBLE"},
    Spelling{"FLOAT8", TypeKind::kFloat, "DOUBLE"},
    Spelling{"DECIMAL", TypeKind::kDecimal, "DECIMAL"},
    Spelling{"NUMERIC", TypeKind::kDecimal, "DECIMAL"},
    Spelling{"DATE", TypeKind::kDate, "DATE"},
    Spelling{"TIME", TypeKind::kTime, "TIME"},
    Spelling{"TIMESTAMP", TypeKind::kTimestamp, "TIMESTAMP"},
    Spelling{"DATETIME", TypeKind::kTimestamp, "TIMESTAMP"},
    Spelling{"TIMESTAMP WITHOUT TIME ZONE", TypeKind::kTimestamp, "TIMESTAMP"},
    Spelling{"TIMESTAMPTZ", TypeKind::kTimestampTz, "TIMESTAMP WITH TIME ZONE"},
    Spelling{"TIMESTAMP WITH TIME ZONE", TypeKind::kTimestampTz, "TIMESTAMP WITH TIME ZONE"},
    Spelling{"VARCHAR", TypeKind::kText, "VARCHAR"},
    Spelling{"TEXT", TypeKind::kText, "VARCHAR"},
    Spelling{"STRING", TypeKind::kText, "VARCHAR"},
    Spelling{"BLOB", TypeKind::kBlob, "BLOB"},
    Spelling{"BYTEA", TypeKind::kBlob, "BLOB"},
    Spelling{"UUID", TypeKind::kUuid, "UUID"},
    Spelling{"JSON", TypeKind::kJson, "JSON"},
};

constexpr std::array<std::string_view, 4> kListElements{"BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR"};

Error unknown(std::string_view sql) {
  return Error{ErrorClass::kUser, "schema.type_unknown",
               "\"" + std::string(sql) + "\" is no type of a column",
               "give one of docs/types.md, such as BIGINT, DOUBLE, VARCHAR, TIMESTAMP"};
}

// "18,2" → 18 and 2; "18" → 18 and 0.
Result<ColumnType> decimal_of(std::string_view arguments, std::string_view sql) {
  const std::size_t comma = std::min(arguments.find(','), arguments.size());
  const std::string_view after = arguments.substr(std::min(comma + 1, arguments.size()));
  const std::optional<int> precision = number_of(trimmed(arguments.substr(0, comma)));
  const std::optional<int> scale =
      comma == arguments.size() ? std::optional(0) : number_of(trimmed(after));
  if (!precision || !scale || *precision < 1 || *precision > 38 || *scale < 0 ||
      *scale > *precision)
    return Error{ErrorClass::kUser, "schema.type_invalid",
                 "\"" + std::string(sql) + "\" has no precision from 1 to 38 and scale up to it",
                 "write it as DECIMAL(18,2)"};
  return ColumnType{TypeKind::kDecimal, false, static_cast<std::uint8_t>(*scale),
                    "DECIMAL(" + std::to_string(*precision) + "," + std::to_string(*scale) + ")"};
}

}  // namespace

Result<ColumnType> parse_column_type(std::string_view sql) {
  std::string upper(trimmed(sql));
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  });
  std::string_view name = upper;
  const bool list = name.ends_with("[]");
  if (list) name.remove_suffix(2);
  std::string_view arguments;
  if (const std::size_t open = name.find('('); open != std::string_view::npos) {
    if (name.back() != ')') return unknown(sql);
    arguments = name.substr(open + 1, name.size() - open - 2);
    name = trimmed(name.substr(0, open));
  }
  const auto* const found = std::ranges::find(kSpellings, name, &Spelling::name);
  if (found == kSpellings.end()) return unknown(sql);
  // A length in VARCHAR(80) bounds nothing, as in the engine.
  if (!arguments.empty() && found->kind != TypeKind::kDecimal && found->kind != TypeKind::kText)
    return unknown(sql);
  ColumnType type{found->kind, false, 0, std::string(found->sql)};
  if (found->kind == TypeKind::kDecimal) {
    MILLRACE_TRY(decimal, decimal_of(arguments.empty() ? "18,3" : arguments, sql));
    type = std::move(decimal);
  }
  if (list) {
    if (std::ranges::find(kListElements, type.sql) == kListElements.end())
      return Error{ErrorClass::kUser, "schema.type_unknown",
                   "\"" + std::string(sql) + "\" is no type of a column",
                   "a list holds BOOLEAN, BIGINT, DOUBLE or VARCHAR; take JSON for other ones", ""};
    type.list = true;
    type.sql += "[]";
  }
  return type;
}

std::vector<std::string> column_type_names() {
  std::vector<std::string> names;
  names.reserve(kSpellings.size());
  for (const Spelling& spelling : kSpellings) names.emplace_back(spelling.name);
  return names;
}

}  // namespace millrace
