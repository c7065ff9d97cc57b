#include "lib/sql/argument_check.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "lib/sql/error_place.h"

namespace millrace::sql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Error refused(const ArgumentRule& rule, const std::string& what) {
  return Error{ErrorClass::kPolicy, "sql.argument_refused",
               "\"" + std::string(rule.function) + "\" " + what};
}

std::string ordinal(std::size_t index) {
  static constexpr const char* kOrdinals[] = {"first", "second", "third"};
  return kOrdinals[std::min<std::size_t>(index, 2)];
}

// The number whose digits begin at `at`, no larger than 10^12; `at` moves behind it.
std::int64_t read_number(std::string_view text, std::size_t& at) {
  constexpr std::int64_t kEnough = 1'000'000'000'000;
  std::int64_t number = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    number = std::min(kEnough, number * 10 + (text[at] - '0'));
  }
  return number;
}

struct Widths {
  std::int64_t widest = 0;
  bool from_arguments = false;  // "{:{}}" or "%*d"
};

// {}-style, as format() reads it.
Widths brace_widths(std::string_view format) {
  Widths widths;
  int depth = 0;
  std::size_t i = 0;
  while (i < format.size()) {
    const char c = format[i];
    if (depth == 0 && (format.substr(i, 2) == "{{" || format.substr(i, 2) == "}}")) {
      i += 2;
      continue;
    }
    if (depth > 0 && is_digit(c)) {
      widths.widest = std::max(widths.widest, read_number(format, i));
      continue;
    }
    if (c == '{' && ++depth > 1) widths.from_arguments = true;
    if (c == '}' && depth > 0) --depth;
    ++i;
  }
  return widths;
}

// %-style, as printf() reads it.
Widths percent_widths(std::string_view format) {
  Widths widths;
  std::size_t i = 0;
  while (i < format.size()) {
    if (format[i++] != '%') continue;
    while (i < format.size()) {
      if (is_digit(format[i])) {
        widths.widest = std::max(widths.widest, read_number(format, i));
        continue;
      }
      if (format[i] == '*') widths.from_arguments = true;
      if (std::string_view("+-# .'*$").find(format[i]) == std::string_view::npos) break;
      ++i;
    }
    ++i;  // the conversion's letter, or the second % of %%
  }
  return widths;
}

Status check_count(const ArgumentRule& rule, std::span<const Argument> arguments) {
  if (arguments.size() <= rule.index) return ok_status();
  const std::optional<std::int64_t>& number = arguments[rule.index].number;
  if (number.has_value() && *number <= rule.at_most) return ok_status();
  return refused(rule, "needs a literal number of at most " + std::to_string(rule.at_most) +
                           " as its " + ordinal(rule.index) + " argument")
      .hint_at(
          "write the number out: a column, a parameter or a larger number could fill the memory");
}

Status check_series(const ArgumentRule& rule, std::span<const Argument> arguments) {
  const bool literal = std::all_of(arguments.begin(), arguments.end(),
                                   [](const Argument& a) { return a.number.has_value(); });
  if (literal && !arguments.empty() && arguments.size() <= 3) {
    // In floating point: exact enough to compare with a million, and it cannot overflow.
    const auto at = [&](std::size_t i) { return static_cast<double>(*arguments[i].number); };
    const double start = arguments.size() > 1 ? at(0) : 0;
    const double stop = arguments.size() > 1 ? at(1) : at(0);
    const double step = arguments.size() > 2 ? std::max(1.0, std::fabs(at(2))) : 1;
    if (std::fabs(stop - start) / step <= static_cast<double>(rule.at_most)) return ok_status();
  }
  const std::string name(rule.function);
  return refused(rule, "makes a list of at most " + std::to_string(rule.at_most) +
                           " elements, from literal numbers")
      .hint_at("read it as rows, which need no memory: FROM " + name + "(…)");
}

Status check_nested(const ArgumentRule& rule, std::span<const Argument> arguments) {
  if (arguments.size() <= rule.index) return ok_status();
  if (const auto& text = arguments[rule.index].text; text.has_value()) {
    std::int64_t depth = 0;
    std::int64_t deepest = 0;
    for (const char c : *text) {
      if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
      if (c == ']' || c == '}') --depth;
    }
    if (deepest <= rule.at_most) return ok_status();
  }
  return refused(rule, "needs a literal structure, nested at most " + std::to_string(rule.at_most) +
                           " deep, as its " + ordinal(rule.index) + " argument")
      .hint_at("write the structure out");
}

Status check_format(const ArgumentRule& rule, std::span<const Argument> arguments) {
  if (arguments.size() <= rule.index) return ok_status();
  if (const auto& format = arguments[rule.index].text; format.has_value()) {
    const Widths widths =
        rule.function == "printf" ? percent_widths(*format) : brace_widths(*format);
    if (!widths.from_arguments && widths.widest <= rule.at_most) return ok_status();
  }
  return refused(rule, "needs a literal format whose widths are numbers of at most " +
                           std::to_string(rule.at_most))
      .hint_at("write the format out");
}

}  // namespace

Status check_arguments(const ArgumentRule& rule, std::span<const Argument> arguments) {
  switch (rule.kind) {
    case ArgumentRule::Kind::kCount:
      return check_count(rule, arguments);
    case ArgumentRule::Kind::kSeries:
      return check_series(rule, arguments);
    case ArgumentRule::Kind::kNested:
      return check_nested(rule, arguments);
    case ArgumentRule::Kind::kFormat:
      return check_format(rule, arguments);
  }
  return refused(rule, "has a rule that nothing checks");
}

}  // namespace millrace::sql
