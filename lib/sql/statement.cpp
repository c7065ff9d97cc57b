#include "lib/sql/statement.h"

#include <charconv>
#include <set>

namespace millrace::sql {

std::vector<std::string> table_names(const Statement& statement) {
  std::set<std::string> names;
  for (const TableUse& table : statement.tables) names.insert(table.name);
  return {names.begin(), names.end()};
}

std::optional<Position> error_position(const Error& error) {
  Position position;
  const char* begin = error.path.data();
  const char* end = begin + error.path.size();
  const auto line = std::from_chars(begin, end, position.line);
  if (line.ec != std::errc() || line.ptr == end || *line.ptr != ':') return std::nullopt;
  const auto column = std::from_chars(line.ptr + 1, end, position.column);
  if (column.ec != std::errc() || column.ptr != end) return std::nullopt;
  return position;
}

bool blames_text(const Error& error) {
  return error.error_class == ErrorClass::kUser || error.error_class == ErrorClass::kPolicy;
}

std::size_t offset_in(std::string_view text, const Position& position) {
  std::size_t offset = 0;
  for (int line = 1; line < position.line; ++line) {
    const std::size_t end = text.find('\n', offset);
    if (end == std::string_view::npos) return text.size();
    offset = end + 1;
  }
  for (int column = 1; column < position.column && offset < text.size(); ++column) {
    ++offset;
    while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U)
      ++offset;
  }
  return offset;
}

}  // namespace millrace::sql
