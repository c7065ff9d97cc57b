// Text for people: numbers, times, sizes, tables, and making foreign text safe to print. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "base/units.h"

namespace millrace::cli {

std::string duration_text(Micros duration);                // 120ms, 1.9s, 2m10s, 3h05m, 2d04h
std::string age_text(Micros duration);                     // 5s, 2m, 3h, 12d
std::string bytes_text(std::int64_t bytes);                // 512 B, 1.5 MiB
std::string rate_text(std::int64_t count, Micros during);  // 412,000/s; empty where it says nothing

// RFC 3339 ("2026-01-02T03:04:05.678Z"); 0 for anything else.
WallTime parse_time(std::string_view text);

// Control characters, also those of UTF-8's second block, become '?': text of a server or a task
// must not steer the terminal. Line breaks become spaces unless they are kept.
std::string printable(std::string_view text, bool keep_line_breaks = false);

// Columns that a text takes in a terminal; wide characters take two.
int display_width(std::string_view utf8);
// At most `width` columns, an ellipsis where something was left out.
std::string fit(std::string_view utf8, int width);
std::string padded(std::string_view utf8, int width);
std::string padded_left(std::string_view utf8, int width);

struct Column {
  std::string title;
  bool right = false;  // for numbers
};
// Two spaces between columns; no trailing spaces; cells as they are.
std::string table_text(const std::vector<Column>& columns,
                       const std::vector<std::vector<std::string>>& rows);

}  // namespace millrace::cli
