// Rows of a query as a table. Pure.
#pragma once

#include <optional>
#include <string>

namespace millrace::cli {

struct RowsText {
  std::string table;
  std::size_t rows = 0;
  bool truncated = false;
};

// Of the JSON that POST queries gives; nothing for anything else. Numbers stand to the right; a
// null is an empty cell; cells of more than `width` columns are cut.
std::optional<RowsText> rows_text(const std::string& body, int width);

}  // namespace millrace::cli
