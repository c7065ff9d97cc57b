// Schema: the columns of a dataset, in order. Text form (FileRow's neighbour schema_json):
//
//   {"columns": [{"name": "carrier", "type": "VARCHAR", "nullable": true}]}
//
// Types are SQL names as docs/types.md lists them. Values; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::kernel {

struct ColumnSpec {
  std::string name;
  std::string type;
  bool nullable = true;

  friend bool operator==(const ColumnSpec&, const ColumnSpec&) = default;
};

struct Schema {
  std::vector<ColumnSpec> columns;

  friend bool operator==(const Schema&, const Schema&) = default;
};

std::string to_json(const Schema& schema);
// Error: schema.malformed, for a text that is no such object.
Result<Schema> schema_from_json(std::string_view json);

// The first fault of the names: empty, longer than 255 bytes, not UTF-8, with a NUL
// byte, or the same but for case.
// Error: schema.column_name.
Status check_column_names(const Schema& schema);

}  // namespace millrace::kernel
