#include "manifest/plain_scalar.h"

#include <algorithm>
#include <array>
#include <span>

namespace millrace::manifest {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
bool is_binary(char c) { return c == '0' || c == '1'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_one_of(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

// A cursor over a scalar; YAML 1.1 lets _ stand among digits.
struct Cursor {
  std::string_view rest;
  bool underscores;

  bool done() const { return rest.empty(); }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  bool take_sign() { return take('+') || take('-'); }
  bool take_prefix(std::string_view prefix) {
    if (!rest.starts_with(prefix)) return false;
    rest.remove_prefix(prefix.size());
    return true;
  }
  // At least one of the digits.
  bool take_all(bool (*digit)(char)) {
    std::size_t count = 0;
    bool any = false;
    while (count < rest.size() && (digit(rest[count]) || (underscores && rest[count] == '_'))) {
      any = any || rest[count] != '_';
      ++count;
    }
    rest.remove_prefix(count);
    return any;
  }
};

bool is_based_integer(Cursor cursor, std::string_view prefix, bool (*digit)(char)) {
  return cursor.take_prefix(prefix) && cursor.take_all(digit) && cursor.done();
}

// 12, 1.5, .5, 1e3; whole numbers are among them.
bool is_decimal(Cursor cursor) {
  const bool whole = cursor.take_all(is_digit);
  bool fraction = false;
  if (cursor.take('.')) fraction = cursor.take_all(is_digit);
  if (!whole && !fraction) return false;
  if (cursor.take('e') || cursor.take('E')) {
    cursor.take_sign();
    if (!cursor.take_all(is_digit)) return false;
  }
  return cursor.done();
}

// 1:30 is 90 to YAML 1.1, and so is 1:30.5 a number.
bool is_sexagesimal(Cursor cursor) {
  if (!cursor.take_all(is_digit)) return false;
  int groups = 0;
  while (cursor.take(':')) {
    if (!cursor.take_all(is_digit)) return false;
    ++groups;
  }
  if (cursor.take('.')) cursor.take_all(is_digit);
  return groups > 0 && cursor.done();
}

// 2001-12-14, and the same with a time behind.
bool is_timestamp(std::string_view text) {
  constexpr std::string_view kShape = "dddd-d";
  if (text.size() < 8) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i)
    if (kShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kShape[i]) return false;
  Cursor cursor{.rest = text.substr(5), .underscores = false};
  if (!cursor.take_all(is_digit) || !cursor.take('-') || !cursor.take_all(is_digit)) return false;
  return cursor.done() || cursor.take('T') || cursor.take('t') || cursor.take(' ') ||
         cursor.take('\t');
}

constexpr std::array<std::string_view, 5> kNulls{"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 6> kBooleans{"true",  "True",  "TRUE",
                                                    "false", "False", "FALSE"};
constexpr std::array<std::string_view, 16> kOldBooleans{"y",  "Y",   "yes", "Yes", "YES", "n",
                                                        "N",  "no",  "No",  "NO",  "on",  "On",
                                                        "ON", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 3> kInfinities{".inf", ".Inf", ".INF"};
constexpr std::array<std::string_view, 3> kNotNumbers{".nan", ".NaN", ".NAN"};

}  // namespace

Reading read_as_yaml_1_1(std::string_view plain) {
  if (is_one_of(plain, kNulls)) return Reading::kNull;
  if (is_one_of(plain, kBooleans) || is_one_of(plain, kOldBooleans)) return Reading::kBoolean;
  Cursor cursor{.rest = plain, .underscores = true};
  cursor.take_sign();
  if (is_based_integer(cursor, "0b", is_binary) || is_based_integer(cursor, "0x", is_hex) ||
      is_decimal(cursor) || is_sexagesimal(cursor) || is_one_of(cursor.rest, kInfinities) ||
      is_one_of(plain, kNotNumbers))
    return Reading::kNumber;
  return is_timestamp(plain) ? Reading::kTime : Reading::kText;
}

Reading read_as_yaml_1_2(std::string_view plain) {
  if (is_one_of(plain, kNulls)) return Reading::kNull;
  if (is_one_of(plain, kBooleans)) return Reading::kBoolean;
  Cursor cursor{.rest = plain, .underscores = false};
  if (is_based_integer(cursor, "0o", is_octal) || is_based_integer(cursor, "0x", is_hex))
    return Reading::kNumber;
  cursor.take_sign();
  if (is_decimal(cursor) || is_one_of(cursor.rest, kInfinities) || is_one_of(plain, kNotNumbers))
    return Reading::kNumber;
  return Reading::kText;
}

std::string_view to_string(Reading reading) {
  switch (reading) {
    case Reading::kText:
      return "text";
    case Reading::kNull:
      return "null";
    case Reading::kBoolean:
      return "a boolean";
    case Reading::kNumber:
      return "a number";
    case Reading::kTime:
      return "a time";
  }
  return "text";
}

bool is_plain_integer(std::string_view plain) {
  if (plain.starts_with('-')) plain.remove_prefix(1);
  if (plain.empty() || !std::ranges::all_of(plain, is_digit)) return false;
  return plain.size() == 1 || plain.front() != '0';
}

}  // namespace millrace::manifest
