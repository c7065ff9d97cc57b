#include "cli/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace millrace::cli {
namespace {

std::string with(const char* format, auto... values) {
  std::array<char, 64> buffer;
  const int size = std::snprintf(buffer.data(), buffer.size(), format, values...);
  return std::string(buffer.data(), static_cast<std::size_t>(std::max(0, size)));
}

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

CodePoint decode(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xF0 && first < 0xF5   ? 4
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xC2 && first < 0xE0 ? 2
                                                             : 0;
  if (length == 0 || text.size() < length) return {};
  char32_t value = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3FU);
  }
  return {value, length, true};
}

// East Asian wide and emoji, the large blocks: what names and messages really hold.
int columns_of(char32_t c) {
  if (c >= 0x300 && c <= 0x36F) return 0;  // combining
  if (c == 0x200B || c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
                    (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
                    (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

std::string duration_text(Micros duration) {
  const std::int64_t ms = std::max<std::int64_t>(0, duration.value()) / 1'000;
  const std::int64_t s = ms / 1'000;
  if (ms < 1'000) return with("%dms", static_cast<int>(ms));
  if (s < 60) return with("%d.%ds", static_cast<int>(s), static_cast<int>(ms % 1'000 / 100));
  if (s < 3'600) return with("%dm%02ds", static_cast<int>(s / 60), static_cast<int>(s % 60));
  if (s < 86'400)
    return with("%dh%02dm", static_cast<int>(s / 3'600), static_cast<int>(s % 3'600 / 60));
  return with("%ldd%02dh", static_cast<long>(s / 86'400), static_cast<int>(s % 86'400 / 3'600));
}

std::string age_text(Micros duration) {
  const std::int64_t s = std::max<std::int64_t>(0, duration.value()) / 1'000'000;
  if (s < 120) return std::to_string(s) + "s";
  if (s < 7'200) return std::to_string(s / 60) + "m";
  if (s < 172'800) return std::to_string(s / 3'600) + "h";
  return std::to_string(s / 86'400) + "d";
}

std::string bytes_text(std::int64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1'024) return std::to_string(bytes) + " B";
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1'023.95 && unit + 1 < kUnits.size()) {
    size /= 1'024;
    ++unit;
  }
  return with("%.1f %s", size, kUnits[unit]);
}

std::string rate_text(std::int64_t count, Micros during) {
  if (count <= 0 || during.value() < 100'000) return "";  // too short a time to divide by
  const double rate = static_cast<double>(count) * 1e6 / static_cast<double>(during.value());
  auto rounded = static_cast<std::int64_t>(rate);
  for (std::int64_t step = 10; rounded >= step * 100; step *= 10) rounded = rounded / step * step;
  return grouped(rounded) + "/s";
}

WallTime parse_time(std::string_view text) {
  const auto number = [&text](std::size_t at, std::size_t size) {
    int value = -1;
    if (at + size <= text.size()) {
      const auto [end, problem] = std::from_chars(text.data() + at, text.data() + at + size, value);
      if (problem != std::errc() || end != text.data() + at + size) value = -1;
    }
    return value;
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  const int hour = number(11, 2);
  const int minute = number(14, 2);
  const int second = number(17, 2);
  if (std::min({year, month, day, hour, minute, second}) < 0 || !text.ends_with('Z'))
    return WallTime();
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return WallTime();
  std::int64_t micros = 0;
  std::int64_t unit = 100'000;
  if (text.size() > 20 && text[19] == '.')
    for (std::size_t at = 20; at < text.size() && text[at] >= '0' && text[at] <= '9';
         ++at, unit /= 10)
      micros += unit * (text[at] - '0');
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return WallTime((((std::int64_t{days} * 24 + hour) * 60 + minute) * 60 + second) * 1'000'000 +
                  micros);
}

std::string printable(std::string_view text, bool keep_line_breaks) {
  std::string safe;
  while (!text.empty()) {
    const CodePoint c = decode(text);
    const bool control = c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0);
    // Marks that turn the direction of writing can make a text read as another.
    const bool turns =
        (c.value >= 0x202A && c.value <= 0x202E) || (c.value >= 0x2066 && c.value <= 0x2069);
    if (!c.valid || turns) {
      safe += '?';
    } else if (c.value == '\n' || c.value == '\t') {
      safe += keep_line_breaks ? text.front() : ' ';
    } else if (control) {
      safe += '?';
    } else {
      safe += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return safe;
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const CodePoint c = decode(text);
    width += c.valid ? columns_of(c.value) : 1;
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string fit(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  std::string kept;
  int used = 1;  // the ellipsis
  while (!text.empty()) {
    const CodePoint c = decode(text);
    used += c.valid ? columns_of(c.value) : 1;
    if (used > width) break;
    kept += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes);
  }
  return width > 0 ? kept + "…" : "";
}

std::string padded(std::string_view text, int width) {
  return std::string(text) +
         std::string(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
}

std::string padded_left(std::string_view text, int width) {
  return std::string(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ') +
         std::string(text);
}

std::string table_text(const std::vector<Column>& columns,
                       const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    int width = display_width(columns[i].title);
    for (const auto& row : rows)
      if (i < row.size()) width = std::max(width, display_width(row[i]));
    widths.push_back(width);
  }
  std::string text;
  const auto add = [&](const auto& cell_at) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) line += "  ";
      line += columns[i].right ? padded_left(cell_at(i), widths[i]) : padded(cell_at(i), widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add([&](std::size_t i) { return columns[i].title; });
  for (const auto& row : rows)
    add([&](std::size_t i) { return i < row.size() ? row[i] : std::string(); });
  return text;
}

}  // namespace millrace::cli
