#include "manifest/validate_scalar.h"

#include <charconv>
#include <cstdint>
#include <utility>

#include "base/utf8.h"
#include "manifest/formats.h"
#include "manifest/nearest.h"
#include "manifest/plain_scalar.h"
#include "manifest/quantity.h"
#include "manifest/reference.h"

namespace millrace::manifest {
namespace {

constexpr std::size_t kShown = 60;

ScalarCheck refused(Error error) {
  ScalarCheck check;
  check.problems.push_back({.error = std::move(error)});
  return check;
}

ScalarCheck accepted(Json value) { return {.value = std::move(value), .problems = {}}; }

bool is_scalar(const Node& node) {
  return node.kind == Node::Kind::kPlain || node.kind == Node::Kind::kText;
}

bool has_hole(std::string_view text) { return text.find("${{") != std::string_view::npos; }

std::string range_hint(const ValueSchema& schema) {
  const bool low = schema.minimum != std::numeric_limits<std::int64_t>::min();
  const bool high = schema.maximum != std::numeric_limits<std::int64_t>::max();
  if (low && high)
    return "give a number from " + std::to_string(schema.minimum) + " to " +
           std::to_string(schema.maximum);
  if (low) return "give at least " + std::to_string(schema.minimum);
  if (high) return "give at most " + std::to_string(schema.maximum);
  return "give a number of 64 bits";
}

ScalarCheck check_integer(const Node& node, const ValueSchema& schema) {
  const std::string& text = node.text;
  if (has_hole(text))
    return refused(
        user_error("reference.not_here", "takes no reference", "write the number itself"));
  if (node.kind == Node::Kind::kText && is_plain_integer(text))
    return refused(user_error("value.type", in_quotes(text) + " is text, not a whole number",
                              "remove the quotes"));
  if (!is_plain_integer(text)) {
    const bool number =
        node.kind == Node::Kind::kPlain && read_as_yaml_1_1(text) == Reading::kNumber;
    if (number && text.find_first_of(".eE") == std::string::npos)
      return refused(user_error("value.ambiguous",
                                text + " is read as different numbers by YAML 1.1 and 1.2",
                                "write decimal digits, none of them a leading zero"));
    return refused(user_error("value.type", (number ? text : in_quotes(text)) + " is no integer",
                              "give a whole number"));
  }
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || value < schema.minimum || value > schema.maximum)
    return refused(
        user_error("value.range", text.substr(0, kShown) + " is out of range", range_hint(schema)));
  return accepted(value);
}

ScalarCheck check_boolean(const Node& node) {
  if (node.kind == Node::Kind::kPlain && (node.text == "true" || node.text == "false"))
    return accepted(node.text == "true");
  if (node.kind == Node::Kind::kText && (node.text == "true" || node.text == "false"))
    return refused(user_error("value.type", in_quotes(node.text) + " is text, not a boolean",
                              "remove the quotes"));
  if (has_hole(node.text))
    return refused(user_error("reference.not_here", "takes no reference", "write true or false"));
  return refused(
      user_error("value.type", in_quotes(node.text) + " is no boolean", "write true or false"));
}

ScalarCheck check_enum(const Node& node, const ValueSchema& schema) {
  std::vector<std::string> names;
  for (const EnumValueSchema& value : schema.enumeration->values) {
    if (value.name == node.text) return accepted(node.text);
    names.emplace_back(value.name);
  }
  return refused(user_error("value.unknown", in_quotes(node.text) + " is not known here",
                            meant_hint(node.text, names)));
}

// Text in its one spelling, by the type's own pair of functions.
template <typename Parsed>
ScalarCheck check_spelled(const Node& node, Result<Parsed> parsed, std::string (*format)(Parsed)) {
  const bool fraction = node.kind == Node::Kind::kPlain && !is_plain_integer(node.text) &&
                        read_as_yaml_1_1(node.text) == Reading::kNumber;
  if (parsed.ok() && fraction)
    return refused(user_error("value.type", node.text + " is a number with a fraction to YAML",
                              "write it in quotes, \"" + node.text + "\""));
  if (!parsed.ok()) return refused(std::move(parsed).error());
  return accepted(format(*parsed));
}

void check_holes(const std::string& text, const ValueSchema& schema, ScalarCheck& check) {
  if (schema.reference) {
    for (HoleError& found : find_holes(text).errors)
      check.problems.push_back({.error = std::move(found.error), .offset = found.offset});
    return;
  }
  if (const std::size_t at = text.find("${{"); at != std::string::npos)
    check.problems.push_back(
        {.error = user_error(
             "reference.not_here", "takes no reference",
             schema.sql ? "bind a parameter by its name, as $name" : "write the text itself"),
         .offset = at});
}

void check_length(const std::string& text, const ValueSchema& schema, ScalarCheck& check) {
  const std::size_t length = count_characters(text);
  if (length < schema.min_size)
    check.problems.push_back(
        {.error = user_error("value.length", "is empty", "give it some text")});
  if (length > schema.max_size)
    check.problems.push_back(
        {.error = user_error("value.length", "has " + std::to_string(length) + " characters",
                             "give at most " + std::to_string(schema.max_size))});
}

ScalarCheck check_text(const Node& node, const ValueSchema& schema, HoleMode mode) {
  const bool filled_in = schema.reference && mode == HoleMode::kResolved;
  ScalarCheck check = accepted(node.text);
  // A value that has filled a hole keeps its type; where text is wanted, its writing is the text.
  if (node.kind == Node::Kind::kPlain && !filled_in)
    if (auto error = not_text(node.text)) return refused(*std::move(error));
  if (node.text.find('\0') != std::string::npos)
    return refused(user_error("value.character", "holds a character with the code 0", "remove it"));
  if (mode == HoleMode::kTemplate) check_holes(node.text, schema, check);
  const bool open = mode == HoleMode::kTemplate && has_hole(node.text);
  if (schema.format != Format::kNone && !open && !has_format(schema.format, node.text)) {
    const FormatInfo& info = format_info(schema.format);
    check.problems.push_back(
        {.error =
             user_error("value.form", in_quotes(node.text) + " is not " + std::string(info.what),
                        std::string(info.rule))});
    return check;
  }
  check_length(node.text, schema, check);
  return check;
}

// Untyped: each writing means one thing, and what could mean two is refused.
ScalarCheck check_value(const Node& node, HoleMode mode) {
  constexpr ValueSchema kAnyText{.shape = Shape::kText, .max_size = 65'536};
  if (node.kind == Node::Kind::kList) {
    ScalarCheck check;
    Json texts = Json::array();
    for (const Node& item : node.items) {
      if (!is_scalar(item))
        return refused(
            user_error("value.type", "is a list of more than texts", "give texts alone"));
      ScalarCheck one = check_text(item, kAnyText, mode);
      if (!one.value) return one;
      texts.push_back(*std::move(one.value));
      for (ScalarProblem& problem : one.problems)
        check.problems.push_back({.error = std::move(problem.error)});
    }
    check.value = std::move(texts);
    return check;
  }
  if (node.kind == Node::Kind::kPlain) {
    if (node.text == "true" || node.text == "false") return check_boolean(node);
    if (is_plain_integer(node.text))
      return check_integer(node, ValueSchema{.shape = Shape::kInteger});
    if (read_as_yaml_1_2(node.text) == Reading::kNumber &&
        node.text.find_first_of(".eE") != std::string::npos)
      return refused(user_error("value.type", node.text + " is a number with a fraction",
                                "give a whole number, or the text in quotes"));
  }
  return check_text(node, kAnyText, mode);
}

std::string_view wanted(Shape shape) {
  switch (shape) {
    case Shape::kInteger:
      return "a whole number";
    case Shape::kBoolean:
      return "true or false";
    case Shape::kDuration:
      return "a duration";
    case Shape::kCpu:
    case Shape::kBytes:
      return "an amount";
    default:
      return "text";
  }
}

}  // namespace

ScalarCheck check_scalar(const Node& node, const ValueSchema& schema, HoleMode mode) {
  const bool list_of_texts = schema.shape == Shape::kValue && node.kind == Node::Kind::kList;
  if (!is_scalar(node) && !list_of_texts)
    return refused(user_error(
        "value.type",
        "is " + std::string(describe(node)) + ", not " + std::string(wanted(schema.shape)),
        "give a single value"));
  switch (schema.shape) {
    case Shape::kInteger:
      return check_integer(node, schema);
    case Shape::kBoolean:
      return check_boolean(node);
    case Shape::kDuration:
      return check_spelled(node, parse_duration(node.text), format_duration);
    case Shape::kCpu:
      return check_spelled(node, parse_cpu(node.text), format_cpu);
    case Shape::kBytes:
      return check_spelled(node, parse_bytes(node.text), format_bytes);
    case Shape::kEnum:
      return check_enum(node, schema);
    case Shape::kValue:
      return check_value(node, mode);
    case Shape::kTime:
    case Shape::kText:
      return check_text(node, schema, mode);
    case Shape::kObject:
    case Shape::kList:
    case Shape::kMap:
      break;
  }
  return refused(user_error("value.type", "is no scalar"));
}

std::optional<Error> not_text(std::string_view plain) {
  const Reading older = read_as_yaml_1_1(plain);
  const Reading newer = read_as_yaml_1_2(plain);
  if (older == Reading::kText && newer == Reading::kText) return std::nullopt;
  const std::string suggestion = "write it in quotes, " + in_quotes(plain);
  if (older == newer)
    return user_error("value.type",
                      std::string(plain.substr(0, kShown)) + " is " +
                          std::string(to_string(newer)) + ", not text",
                      suggestion);
  return user_error("value.ambiguous",
                    std::string(plain.substr(0, kShown)) + " is " + std::string(to_string(older)) +
                        " to YAML 1.1 and " + std::string(to_string(newer)) + " to YAML 1.2",
                    suggestion);
}

}  // namespace millrace::manifest
