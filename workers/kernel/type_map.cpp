#include "workers/kernel/type_map.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "workers/kernel/json_text.h"

namespace millrace::kernel {
namespace {

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text;
}

bool all_digits(std::string_view text) { return std::ranges::all_of(text, is_digit); }

bool integer_fits(std::string_view text) {
  // The engine would round 1.5, and take 0x1F, 1e3 and 1_000 besides.
  const std::string_view digits = without_sign(trimmed(text));
  return !digits.empty() && all_digits(digits);
}

bool float_fits(std::string_view text) { return text.find('_') == std::string_view::npos; }

bool decimal_fits(std::string_view text, std::size_t scale) {
  const std::string_view number = without_sign(trimmed(text));
  const std::size_t point = std::min(number.find('.'), number.size());
  std::string_view fraction = number.substr(std::min(point + 1, number.size()));
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  return all_digits(number.substr(0, point)) && all_digits(fraction) && fraction.size() <= scale;
}

// Whether a text has the pattern's length, and its digits where the pattern has 0.
bool has_pattern(std::string_view text, std::string_view pattern) {
  bool same = text.size() == pattern.size();
  for (std::size_t i = 0; same && i < pattern.size(); ++i)
    same = pattern[i] == '0' ? is_digit(text[i]) : text[i] == pattern[i];
  return same;
}

constexpr std::string_view kDatePattern = "0000-00-00";

// The engine would drop the time of "2024-01-01 10:00", and read 24-01-01 as the year 24.
bool date_fits(std::string_view text) { return has_pattern(trimmed(text), kDatePattern); }

// What stands behind the whole seconds: nothing, or at most microseconds; further digits must be
// zeros. Takes them off the text.
bool take_fraction(std::string_view& text) {
  if (text.empty() || text.front() != '.') return true;
  std::size_t end = 1;
  for (; end < text.size() && is_digit(text[end]); ++end)
    if (end > 6 && text[end] != '0') return false;
  text.remove_prefix(end);
  return true;
}

// The engine would drop the date of "2024-01-01 10:00:00", and an offset.
bool time_fits(std::string_view text) {
  constexpr std::string_view kPattern = "00:00:00";
  text = trimmed(text);
  if (!has_pattern(text.substr(0, kPattern.size()), kPattern)) return false;
  text.remove_prefix(kPattern.size());
  return take_fraction(text) && text.empty();
}

// Whether what stands behind a date and time means UTC. The engine would drop any other offset.
bool is_utc(std::string_view zone) {
  if (zone.empty() || zone == "Z" || zone == "z" || zone == "UTC") return true;
  return (zone.front() == '+' || zone.front() == '-') &&
         zone.substr(1).find_first_not_of("0:") == std::string_view::npos;
}

// A date, or a date and a time: what of it the engine understands is its business, but not what
// it loses. With `zones` there may be any behind it.
bool moment_fits(std::string_view text, bool zones) {
  constexpr std::string_view kPlain = "0000-00-00 00:00:00";
  if (has_pattern(text, kPlain)) return true;
  text = trimmed(text);
  if (!has_pattern(text.substr(0, kDatePattern.size()), kDatePattern)) return false;
  text.remove_prefix(kDatePattern.size());
  if (text.empty()) return true;
  if (text.front() != ' ' && text.front() != 'T' && text.front() != 't') return false;
  text = trimmed(text.substr(1));
  std::size_t colons = 0;
  std::size_t end = 0;
  for (; end < text.size() && (is_digit(text[end]) || text[end] == ':'); ++end)
    colons += text[end] == ':' ? 1 : 0;
  if (colons == 0) return false;
  text.remove_prefix(end);
  if (!take_fraction(text)) return false;
  text = trimmed(text);
  // "(BC)" is no zone.
  return zones ? text.find('(') == std::string_view::npos : is_utc(text);
}

// The engine would also take y, n, on and off.
bool boolean_fits(std::string_view text) {
  constexpr std::array<std::string_view, 8> kTexts{"true", "false", "1",   "0",
                                                   "t",    "f",     "yes", "no"};
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::ranges::any_of(
      kTexts, [&](std::string_view known) { return std::ranges::equal(text, known, same); });
}

// The engine would also take braces around it.
bool uuid_fits(std::string_view text) {
  constexpr std::size_t kDigits = 32;
  std::size_t digits = 0;
  for (const char c : text) {
    const bool hex = is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!hex && c != '-') return false;
    digits += hex ? 1 : 0;
  }
  return digits == kDigits;
}

// Calls visit(element, string) for each element of a JSON array's text, strings without their
// quotes. Elements that are arrays or objects come in pieces, none of which is a value. False when
// it is no array.
template <typename Visit>
bool for_each_element(std::string_view text, Visit visit) {
  text = trimmed(text);
  if (!text.starts_with('[') || !is_json(text)) return false;
  text = trimmed(text.substr(1, text.size() - 2));
  while (!text.empty()) {
    std::size_t end = 0;
    if (text.front() == '"') {
      for (end = 1; end < text.size() && text[end] != '"'; ++end)
        if (text[end] == '\\') ++end;
      if (end >= text.size()) return false;
      visit(text.substr(1, end - 1), true);
      end = std::min(text.find(',', end), text.size());
    } else {
      end = std::min(text.find(',', end), text.size());
      visit(trimmed(text.substr(0, end)), false);
    }
    text = end == text.size() ? std::string_view() : trimmed(text.substr(end + 1));
  }
  return true;
}

// In a list the engine's cast makes a NULL of an element that it can't convert, and a number of
// "5": here each element has to be of the list's type, or null.
bool element_fits(TypeKind kind, std::string_view element, bool string) {
  if (kind == TypeKind::kText) return true;
  if (string) return false;
  if (element == "null") return true;
  switch (kind) {
    case TypeKind::kInteger:
      return number_of<std::int64_t>(element).has_value();
    case TypeKind::kFloat:
      return number_of<double>(element).has_value();
    case TypeKind::kBoolean:
      return element == "true" || element == "false";
    default:
      return true;
  }
}

bool list_fits(TypeKind kind, std::string_view text) {
  bool fits = true;
  return for_each_element(text,
                          [&](std::string_view element, bool string) {
                            fits = fits && element_fits(kind, element, string);
                          }) &&
         fits;
}

bool scalar_fits(const ColumnType& type, std::string_view text) {
  switch (type.kind) {
    case TypeKind::kInteger:
      return integer_fits(text);
    case TypeKind::kFloat:
      return float_fits(text);
    case TypeKind::kDecimal:
      return decimal_fits(text, type.scale);
    case TypeKind::kDate:
      return date_fits(text);
    case TypeKind::kTime:
      return time_fits(text);
    case TypeKind::kTimestamp:
      return moment_fits(text, false);
    case TypeKind::kTimestampTz:
      return moment_fits(text, true);
    case TypeKind::kBoolean:
      return boolean_fits(text);
    case TypeKind::kUuid:
      return uuid_fits(text);
    case TypeKind::kJson:
      return is_json(text);
    case TypeKind::kText:
    case TypeKind::kBlob:
      return true;
  }
  return true;
}

}  // namespace

std::string cast_expression(const ColumnType& type, const std::string& expression) {
  if (type.list) return "TRY_CAST(TRY_CAST(" + expression + " AS JSON) AS " + type.sql + ")";
  if (type.kind == TypeKind::kText) return expression;
  return "TRY_CAST(" + expression + " AS " + type.sql + ")";
}

bool text_fits(const ColumnType& type, std::string_view text) {
  return type.list ? list_fits(type.kind, text) : scalar_fits(type, text);
}

bool every_text_fits(const ColumnType& type) {
  return !type.list && (type.kind == TypeKind::kText || type.kind == TypeKind::kBlob);
}

}  // namespace millrace::kernel
