// The types that a dataset's columns have, and the names that people give them. docs/types.md has
// them in words. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace {

enum class TypeKind : std::uint8_t {
  kBoolean,
  kInteger,  // TINYINT … BIGINT, UTINYINT … UBIGINT
  kFloat,    // FLOAT, DOUBLE
  kDecimal,
  kDate,
  kTime,
  kTimestamp,    // without zone; a text's zone must be UTC
  kTimestampTz,  // an instant; a text without zone is UTC
  kText,
  kBlob,
  kUuid,
  kJson,
};

struct ColumnType {
  TypeKind kind = TypeKind::kText;
  bool list = false;       // a list of `kind`
  std::uint8_t scale = 0;  // of a decimal
  std::string sql;         // canonical: "DECIMAL(18,2)", "TIMESTAMP WITH TIME ZONE", "BIGINT[]"

  friend bool operator==(const ColumnType&, const ColumnType&) = default;
};

// From a SQL name in any of its usual spellings (INT8, TIMESTAMPTZ, NUMERIC(10, 2), TEXT).
// Error: schema.type_unknown, schema.type_invalid.
Result<ColumnType> parse_column_type(std::string_view sql);

// Every name that is understood, for hints.
std::vector<std::string> column_type_names();

}  // namespace millrace
