#include "workers/kernel/type_inference.h"

#include <charconv>
#include <cstdint>

namespace millrace::kernel {
namespace {

// The shapes a text can have; a column's type follows from the set of those it holds.
enum Shape : std::uint32_t {
  kBoolean = 1,
  kInteger = 2,
  kReal = 4,
  kDate = 8,
  kTimestamp = 16,
  kInstant = 32,  // a timestamp with a zone
  kNested = 64,
  kOther = 128,
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes `count` digits off the front; -1 when they are not there.
int take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

bool take_date(std::string_view& text) {
  constexpr int kDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int year = take_digits(text, 4);
  if (year < 0 || !take(text, '-')) return false;
  const int month = take_digits(text, 2);
  if (month < 1 || month > 12 || !take(text, '-')) return false;
  const int day = take_digits(text, 2);
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day >= 1 && day <= kDays[month - 1] && (month != 2 || day < 29 || leap);
}

bool take_time(std::string_view& text) {
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ':')) return false;
  const int minute = take_digits(text, 2);
  if (minute < 0 || minute > 59) return false;
  if (!take(text, ':')) return true;
  const int second = take_digits(text, 2);
  if (second < 0 || second > 59) return false;
  if (!take(text, '.')) return true;
  std::size_t digits = 0;
  while (!text.empty() && is_digit(text.front())) {
    text.remove_prefix(1);
    ++digits;
  }
  return digits >= 1 && digits <= 6;
}

bool is_zone(std::string_view text) {
  if (text == "Z") return true;
  if (!take(text, '+') && !take(text, '-')) return false;
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 15) return false;
  if (text.empty()) return true;
  take(text, ':');
  const int minute = take_digits(text, 2);
  return minute >= 0 && minute <= 59 && text.empty();
}

Shape shape_of_time(std::string_view text) {
  if (!take_date(text)) return kOther;
  if (text.empty()) return kDate;
  if ((!take(text, 'T') && !take(text, ' ')) || !take_time(text)) return kOther;
  if (text.empty()) return kTimestamp;
  return is_zone(text) ? kInstant : kOther;
}

Shape shape_of_number(std::string_view text) {
  const char* const end = text.data() + text.size();
  const std::string_view digits = text.substr(text.front() == '-' ? 1 : 0);
  // "007" is a code, and "inf" a word.
  if (digits.empty() || !(is_digit(digits[0]) || digits[0] == '.')) return kOther;
  if (digits.size() > 1 && digits[0] == '0' && is_digit(digits[1])) return kOther;
  std::int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, integer);
      error == std::errc() && at == end)
    return kInteger;
  double real = 0;
  const auto [at, error] = std::from_chars(text.data(), end, real);
  if (error != std::errc() || at != end) return kOther;
  // Digits beyond a BIGINT are a key or an amount: a double would change them.
  return digits.find_first_of(".eE") == std::string_view::npos ? kOther : kReal;
}

bool is_boolean(std::string_view text) {
  return text == "true" || text == "false" || text == "TRUE" || text == "FALSE" || text == "True" ||
         text == "False";
}

Shape shape_of(const Field& field) {
  const std::string_view text = field.text();
  switch (field.kind) {
    case FieldKind::kNested:
      return kNested;
    case FieldKind::kBoolean:
      return kBoolean;
    case FieldKind::kNumber:
      return shape_of_number(text);
    case FieldKind::kString:
      return shape_of_time(text);  // JSON has numbers and booleans of its own
    case FieldKind::kText:
    case FieldKind::kQuoted: {
      if (text.empty()) return kOther;
      if (is_boolean(text)) return kBoolean;
      const Shape number = shape_of_number(text);
      return number != kOther ? number : shape_of_time(text);
    }
    case FieldKind::kNull:
      break;
  }
  return kOther;
}

}  // namespace

void TypeGuess::see(const Field& field) {
  // A column that holds other texts is VARCHAR whatever comes.
  if (!field.null() && (seen_ & kOther) == 0) seen_ |= shape_of(field);
}

std::string_view TypeGuess::type() const {
  switch (seen_) {
    case kBoolean:
      return "BOOLEAN";
    case kInteger:
      return "BIGINT";
    case kReal:
    case kReal | kInteger:
      return "DOUBLE";
    case kDate:
      return "DATE";
    case kTimestamp:
    case kTimestamp | kDate:
      return "TIMESTAMP";
    case kInstant:
      return "TIMESTAMP WITH TIME ZONE";
    case kNested:
      return "JSON";
    default:
      return "VARCHAR";
  }
}

}  // namespace millrace::kernel
