#include "manifest/parameters.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "base/overloaded.h"
#include "base/utf8.h"
#include "manifest/json.h"
#include "manifest/nearest.h"
#include "manifest/plain_scalar.h"

namespace millrace::manifest {
namespace {

std::string shown(const Value& value) {
  return std::visit(
      Overloaded{[](const std::string& text) { return in_quotes(text); },
                 [](std::int64_t number) { return std::to_string(number); },
                 [](bool flag) { return std::string(flag ? "true" : "false"); },
                 [](const std::vector<std::string>&) { return std::string("a list"); }},
      value);
}

Error wrong_type(const Value& value, const std::string& wanted, std::string hint) {
  return user_error("value.type", shown(value) + " is no " + wanted, std::move(hint));
}

std::optional<Error> too_many(std::size_t size, std::int64_t most, const char* of) {
  if (std::cmp_less_equal(size, most)) return std::nullopt;
  return user_error("value.length", "has " + std::to_string(size) + " " + of,
                    "give at most " + std::to_string(most));
}

// As in a manifest's texts: neither a database's text nor a program's argument holds one.
std::optional<Error> check_characters(std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return std::nullopt;
  return user_error("value.character", "holds a character with the code 0", "remove it");
}

std::optional<Error> check_typed(const StringParameter& type, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return wrong_type(value, "string", "put it in quotes");
  if (auto error = check_characters(*text)) return error;
  return too_many(count_characters(*text), type.max_length, "characters");
}

std::optional<Error> check_typed(const IntegerParameter& type, const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr) {
    const auto* text = std::get_if<std::string>(&value);
    const bool digits = text != nullptr && is_plain_integer(*text);
    return wrong_type(value, "integer", digits ? "remove the quotes" : "give a whole number");
  }
  if (type.minimum && *number < *type.minimum)
    return user_error("value.range", shown(value) + " is too small",
                      "give at least " + std::to_string(*type.minimum));
  if (type.maximum && *number > *type.maximum)
    return user_error("value.range", shown(value) + " is too great",
                      "give at most " + std::to_string(*type.maximum));
  return std::nullopt;
}

std::optional<Error> check_typed(const BooleanParameter&, const Value& value) {
  if (std::holds_alternative<bool>(value)) return std::nullopt;
  return wrong_type(value, "boolean", "give true or false");
}

std::optional<Error> check_typed(const StringsParameter& type, const Value& value) {
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list == nullptr) return wrong_type(value, "list of strings", "put [ ] around it");
  for (const std::string& item : *list)
    if (auto error = check_characters(item)) return error;
  return too_many(list->size(), type.max_items, "items");
}

// Nothing for what no parameter can hold.
std::optional<Value> value_of(const Json& json) {
  if (json.is_string()) return Value(json.get<std::string>());
  if (json.is_boolean()) return Value(json.get<bool>());
  if (json.is_number_integer()) return Value(json.get<std::int64_t>());
  if (json.is_array() && std::ranges::all_of(json, [](const Json& e) { return e.is_string(); }))
    return Value(json.get<std::vector<std::string>>());
  return std::nullopt;
}

}  // namespace

std::string_view type_name(const Parameter& parameter) {
  return std::visit(Overloaded{[](const StringParameter&) { return "string"; },
                               [](const IntegerParameter&) { return "integer"; },
                               [](const BooleanParameter&) { return "boolean"; },
                               [](const StringsParameter&) { return "strings"; }},
                    parameter.type);
}

std::optional<Value> default_of(const Parameter& parameter) {
  return std::visit(
      [](const auto& type) -> std::optional<Value> {
        if (!type.default_value) return std::nullopt;
        return Value(*type.default_value);
      },
      parameter.type);
}

std::optional<Error> check_value(const Parameter& parameter, const Value& value) {
  auto error =
      std::visit([&](const auto& type) { return check_typed(type, value); }, parameter.type);
  if (error) error->path = parameter.name;
  return error;
}

BoundParameters bind_parameters(const std::vector<Parameter>& declared,
                                const std::vector<ParameterValue>& given) {
  BoundParameters bound;
  const std::string at = "/spec/parameters";
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string here = at + "/" + std::to_string(i);
    const auto parameter = std::ranges::find(declared, given[i].name, &Parameter::name);
    if (parameter == declared.end()) {
      std::vector<std::string> names;
      names.reserve(declared.size());
      for (const Parameter& known : declared) names.push_back(known.name);
      bound.findings.push_back(
          make_finding(user_error("parameter.unknown",
                                  "the workflow has no parameter " + in_quotes(given[i].name),
                                  meant_hint(given[i].name, names)),
                       here + "/name"));
      continue;
    }
    if (auto error = check_value(*parameter, given[i].value)) {
      bound.findings.push_back(make_finding(*std::move(error), here + "/value"));
      continue;
    }
    bound.values.emplace(given[i].name, given[i].value);
  }
  for (const Parameter& parameter : declared) {
    if (std::ranges::find(given, parameter.name, &ParameterValue::name) != given.end()) continue;
    if (auto value = default_of(parameter)) {
      bound.values.emplace(parameter.name, *std::move(value));
      continue;
    }
    bound.findings.push_back(make_finding(
        user_error("parameter.missing",
                   "parameter " + in_quotes(parameter.name) + " has no value and no default",
                   "give it one of type " + std::string(type_name(parameter))),
        at));
  }
  return bound;
}

Result<Value> value_from_text(const Parameter& parameter, std::string_view text) {
  Value value = std::string(text);
  if (std::holds_alternative<IntegerParameter>(parameter.type) && is_plain_integer(text)) {
    std::int64_t number = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc()) {
      Error error = user_error(
          "value.range",
          std::string(text) + (text.starts_with('-') ? " is too small" : " is too large"),
          "give a number of 64 bits");
      return std::move(error).at(parameter.name);
    }
    value = number;
  }
  if (std::holds_alternative<BooleanParameter>(parameter.type) &&
      (text == "true" || text == "false"))
    value = text == "true";
  if (std::holds_alternative<StringsParameter>(parameter.type)) {
    const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    const bool texts = json.is_array() &&
                       std::ranges::all_of(json, [](const Json& item) { return item.is_string(); });
    if (!texts) {
      Error error = user_error("value.type", in_quotes(text) + " is no list of strings",
                               "write [\"a\", \"b\"]");
      return std::move(error).at(parameter.name);
    }
    value = json.get<std::vector<std::string>>();
  }
  if (auto error = check_value(parameter, value)) return *std::move(error);
  return value;
}

Result<std::map<std::string, Value>> values_from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return Error{ErrorClass::kInfrastructure, "task.request_invalid",
                 "the parameters are no JSON object"};
  std::map<std::string, Value> values;
  for (const auto& [name, given] : json.items()) {
    auto value = value_of(given);
    if (!value)
      return Error{ErrorClass::kInfrastructure, "task.request_invalid",
                   "parameter " + in_quotes(name) +
                       " is neither text, whole number, boolean nor list of texts"};
    values.emplace(name, *std::move(value));
  }
  return values;
}

}  // namespace millrace::manifest
