#include "workers/kernel/type_map.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace millrace::kernel {
namespace {

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text;
}

// The whole text as a number, or nothing.
template <typename Number = int>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
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

bool date_fits(std::string_view text) {
  // The engine would drop the time of "2024-01-01 10:00".
  return text.find_first_of("Tt:") == std::string_view::npos;
}

// At most microseconds: further digits must be zeros.
bool fraction_fits(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return true;
  for (std::size_t i = point + 1, digits = 0; i < text.size() && is_digit(text[i]); ++i)
    if (++digits > 6 && text[i] != '0') return false;
  return true;
}

// The engine would drop an offset: what is left of a time after its digits must mean UTC.
bool zone_is_utc(std::string_view text) {
  text = trimmed(text);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return true;
  std::string_view zone = text.substr(colon);
  const std::size_t begin = zone.find_first_not_of("0123456789:.");
  if (begin == std::string_view::npos) return true;
  zone = trimmed(zone.substr(begin));
  if (zone == "Z" || zone == "z" || zone == "UTC") return true;
  return (zone.front() == '+' || zone.front() == '-') &&
         zone.substr(1).find_first_not_of("0:") == std::string_view::npos;
}

// Calls visit(element, null) for each element of a JSON array's text, strings without their quotes.
// False when it is no flat array; then the engine's cast refuses it as well.
template <typename Visit>
bool for_each_element(std::string_view text, Visit visit) {
  text = trimmed(text);
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  text = trimmed(text.substr(1, text.size() - 2));
  while (!text.empty()) {
    std::size_t end = 0;
    if (text.front() == '"') {
      for (end = 1; end < text.size() && text[end] != '"'; ++end)
        if (text[end] == '\\') ++end;
      if (end >= text.size()) return false;
      visit(text.substr(1, end - 1), false);
      end = std::min(text.find(',', end), text.size());
    } else {
      end = std::min(text.find(',', end), text.size());
      const std::string_view element = trimmed(text.substr(0, end));
      visit(element, element == "null");
    }
    text = end == text.size() ? std::string_view() : trimmed(text.substr(end + 1));
  }
  return true;
}

// In a list the engine's cast makes a NULL of an element that it can't convert, and the list stays:
// here each element has to convert.
bool element_converts(TypeKind kind, std::string_view element) {
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
      return fraction_fits(text);
    case TypeKind::kTimestamp:
      return fraction_fits(text) && zone_is_utc(text);
    case TypeKind::kTimestampTz:
      return fraction_fits(text);
    case TypeKind::kBoolean:
    case TypeKind::kText:
    case TypeKind::kBlob:
    case TypeKind::kUuid:
    case TypeKind::kJson:
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
  if (!type.list) return scalar_fits(type, text);
  bool fits = true;
  for_each_element(text, [&](std::string_view element, bool null) {
    fits = fits && (null || element_converts(type.kind, element));
  });
  return fits;
}

bool every_text_fits(const ColumnType& type) {
  if (type.list) return type.kind == TypeKind::kText;
  switch (type.kind) {
    case TypeKind::kBoolean:
    case TypeKind::kText:
    case TypeKind::kBlob:
    case TypeKind::kUuid:
    case TypeKind::kJson:
      return true;
    default:
      return false;
  }
}

}  // namespace millrace::kernel
