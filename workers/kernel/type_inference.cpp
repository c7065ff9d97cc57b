#include "workers/kernel/type_inference.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

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
  kLongInteger = 256,  // one that a double would change
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

// A decimal number's digits from the first that is not 0 to the last one, and the power of ten of
// the first. None: the number is 0.
struct Decimal {
  std::string digits;
  std::int64_t power = 0;

  friend bool operator==(const Decimal&, const Decimal&) = default;
};

// Of a number that was read as one, without its sign.
Decimal decimal_of(std::string_view text) {
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  Decimal decimal;
  if (e < text.size()) {
    std::string_view exponent = text.substr(e + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    std::from_chars(exponent.data(), exponent.data() + exponent.size(), decimal.power);
  }
  const std::string_view mantissa = text.substr(0, e);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  for (std::size_t i = 0; i < mantissa.size(); ++i) {
    if (i == point || (decimal.digits.empty() && mantissa[i] == '0')) continue;
    if (decimal.digits.empty())
      decimal.power +=
          static_cast<std::int64_t>(point) - static_cast<std::int64_t>(i) - (i < point ? 1 : 0);
    decimal.digits += mantissa[i];
  }
  decimal.digits.resize(decimal.digits.find_last_not_of('0') + 1);
  return decimal;
}

// Whether a double, written with as many digits as the text has, is the text again: 0.1 is, and
// 1234567890123456789.12 is not. `text` has no sign.
bool double_keeps(std::string_view text, double real) {
  constexpr std::size_t kAlways = 15;  // so many digits every double has
  constexpr std::size_t kMost = 64;
  // An exponent may stand for a number that has fewer, or be among the least of them.
  const bool exponent = text.find_first_of("eE") != std::string_view::npos;
  if (text.size() <= kAlways && !exponent) return true;
  const Decimal wanted = decimal_of(text);
  if (wanted.digits.empty()) return true;
  if (wanted.digits.size() > kMost) return false;
  std::array<char, kMost + 16> written;
  const auto end =
      std::to_chars(written.data(), written.data() + written.size(), std::fabs(real),
                    std::chars_format::scientific, static_cast<int>(wanted.digits.size()) - 1)
          .ptr;
  return decimal_of({written.data(), static_cast<std::size_t>(end - written.data())}) == wanted;
}

Shape shape_of_number(std::string_view text) {
  const char* const end = text.data() + text.size();
  const std::string_view digits = text.substr(text.front() == '-' ? 1 : 0);
  // "007" is a code, and "inf" a word.
  if (digits.empty() || !(is_digit(digits[0]) || digits[0] == '.')) return kOther;
  if (digits.size() > 1 && digits[0] == '0' && is_digit(digits[1])) return kOther;
  std::int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, integer);
      error == std::errc() && at == end) {
    constexpr std::int64_t kExact = std::int64_t{1} << 53;  // up to here a double has them all
    if (integer >= -kExact && integer <= kExact) return kInteger;
    return double_keeps(digits, static_cast<double>(integer)) ? kInteger : kLongInteger;
  }
  // Digits alone, beyond BIGINT: a key, which a double would write as 1e+19 even where it keeps it.
  if (std::ranges::all_of(digits, is_digit)) return kOther;
  double real = 0;
  const auto [at, error] = std::from_chars(text.data(), end, real);
  if (error != std::errc() || at != end) return kOther;
  // Digits that a double would change are a key or an amount.
  return double_keeps(digits, real) ? kReal : kOther;
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
    case kLongInteger:
    case kLongInteger | kInteger:
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
