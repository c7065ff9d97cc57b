#include "manifest/quantity.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "manifest/problem.h"

namespace millrace::manifest {
namespace {

constexpr std::int64_t kGreatest = std::numeric_limits<std::int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

// Whole and fractional digits times `unit`, when the product is a whole number that fits.
std::optional<std::int64_t> scaled(std::string_view whole, std::string_view fraction,
                                   std::int64_t unit) {
  __extension__ using Wide = __int128;
  Wide value = 0;
  Wide scale = 1;
  for (std::string_view digits : {whole, fraction}) {
    for (char c : digits) {
      value = value * 10 + (c - '0');
      if (value > kGreatest) return std::nullopt;
    }
  }
  for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
  value *= unit;
  if (value % scale != 0 || value / scale > kGreatest) return std::nullopt;
  return static_cast<std::int64_t>(value / scale);
}

struct Number {
  std::string_view whole;
  std::string_view fraction;
  std::string_view suffix;
};

// digits, then perhaps a dot and digits, then whatever follows.
std::optional<Number> split(std::string_view text) {
  Number number;
  number.whole = take_digits(text);
  if (number.whole.empty()) return std::nullopt;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    number.fraction = take_digits(text);
    if (number.fraction.empty()) return std::nullopt;
  }
  if (number.whole.size() + number.fraction.size() > 19) return std::nullopt;
  number.suffix = text;
  return number;
}

constexpr std::array<std::pair<std::string_view, std::int64_t>, 13> kByteSuffixes{{
    {"", 1},
    {"k", 1'000},
    {"M", 1'000'000},
    {"G", 1'000'000'000},
    {"T", 1'000'000'000'000},
    {"P", 1'000'000'000'000'000},
    {"E", 1'000'000'000'000'000'000},
    {"Ki", std::int64_t{1} << 10},
    {"Mi", std::int64_t{1} << 20},
    {"Gi", std::int64_t{1} << 30},
    {"Ti", std::int64_t{1} << 40},
    {"Pi", std::int64_t{1} << 50},
    {"Ei", std::int64_t{1} << 60},
}};

constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kDurationUnits{{
    {"h", 3'600'000'000},
    {"m", 60'000'000},
    {"s", 1'000'000},
    {"ms", 1'000},
}};

// Eleven years: what five digits of hours can say, so that every duration has a spelling.
constexpr std::int64_t kLongestDuration = 99'999 * std::int64_t{3'600'000'000};

Error refuse(const char* code, std::string_view text, const char* what, const char* hint) {
  return user_error(code, "\"" + std::string(text) + "\" is no " + what, hint);
}

}  // namespace

Result<Micros> parse_duration(std::string_view text) {
  const auto refused = [&] {
    return refuse("value.duration", text, "duration", "write it as 30s, 10m or 1h30m");
  };
  std::string_view rest = text;
  std::int64_t sum = 0;
  for (int parts = 0; parts == 0 || !rest.empty(); ++parts) {
    const std::string_view digits = take_digits(rest);
    if (digits.empty() || digits.size() > 5 || parts == 4) return refused();
    std::size_t letters = 0;
    while (letters < rest.size() && !is_digit(rest[letters])) ++letters;
    const std::string_view unit = rest.substr(0, letters);
    rest.remove_prefix(letters);
    std::int64_t count = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    bool known = false;
    for (const auto& [name, micros] : kDurationUnits) {
      if (name != unit) continue;
      sum += count * micros;
      known = true;
    }
    if (!known) return refused();
  }
  if (sum > kLongestDuration) return refused();
  return Micros(sum);
}

std::string format_duration(Micros duration) {
  std::int64_t rest = duration.value() / 1'000 * 1'000;
  if (rest <= 0) return "0s";
  std::string text;
  for (const auto& [name, micros] : kDurationUnits) {
    const std::int64_t count = rest / micros;
    if (count == 0) continue;
    text += std::to_string(count) + std::string(name);
    rest -= count * micros;
  }
  return text;
}

Result<MilliCpu> parse_cpu(std::string_view text) {
  constexpr std::int64_t kMost = 1'000'000'000;
  if (auto number = split(text)) {
    const bool thousandths = number->suffix == "m" && number->fraction.empty();
    if (thousandths || number->suffix.empty()) {
      auto value = scaled(number->whole, number->fraction, thousandths ? 1 : 1'000);
      if (value && *value <= kMost) return MilliCpu(*value);
    }
  }
  return refuse("value.cpu", text, "amount of CPU", "write cores as 2, 0.5 or 500m");
}

std::string format_cpu(MilliCpu cpu) {
  if (cpu.value() % 1'000 == 0) return std::to_string(cpu.value() / 1'000);
  return std::to_string(cpu.value()) + "m";
}

Result<Bytes> parse_bytes(std::string_view text) {
  if (auto number = split(text)) {
    for (const auto& [suffix, unit] : kByteSuffixes) {
      if (suffix != number->suffix) continue;
      if (auto value = scaled(number->whole, number->fraction, unit)) return Bytes(*value);
    }
  }
  return refuse("value.bytes", text, "amount of bytes", "write it as 512Mi, 2Gi or 1500M");
}

std::string format_bytes(Bytes bytes) {
  std::string_view best;
  std::int64_t unit = 1;
  for (const auto& [suffix, size] : kByteSuffixes) {
    if (suffix.size() != 2 || bytes.value() % size != 0 || bytes.value() == 0) continue;
    best = suffix;
    unit = size;
  }
  return std::to_string(bytes.value() / unit) + std::string(best);
}

}  // namespace millrace::manifest
