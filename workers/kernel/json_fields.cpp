#include "workers/kernel/json_fields.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "workers/kernel/json_text.h"
#include "workers/kernel/record_scanner.h"

namespace millrace::kernel {
namespace {

using simdjson::ondemand::json_type;

static_assert(kRecordPadding >= simdjson::SIMDJSON_PADDING);

std::string_view trimmed(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

Field field_of(std::string_view text, FieldKind kind) {
  return {text.data(), static_cast<std::uint32_t>(text.size()), kind};
}

// A number, true, false or null: looked at, not taken, as the walk passes over it by itself.
bool is_scalar(json_type type, std::string_view token) {
  if (type == json_type::number)
    return is_json_number(token);  // the parser looks at digits only when it converts
  return token == "null" || token == "true" || token == "false";
}

bool check_value(simdjson::ondemand::value value);

bool check_object(simdjson::ondemand::object& object) {  // NOLINT(misc-no-recursion): see below
  for (auto member : object) {
    std::string_view key;
    simdjson::ondemand::value inner;
    if (member.unescaped_key().get(key) != simdjson::SUCCESS) return false;
    if (member.value().get(inner) != simdjson::SUCCESS || !check_value(inner)) return false;
  }
  return true;
}

bool check_array(simdjson::ondemand::array& array) {  // NOLINT(misc-no-recursion): see below
  for (auto element : array) {
    simdjson::ondemand::value inner;
    if (element.get(inner) != simdjson::SUCCESS || !check_value(inner)) return false;
  }
  return true;
}

// Walks a nested value, so that a fault deep inside is this record's. The parser bounds its depth
// (1,024).
bool check_value(simdjson::ondemand::value value) {  // NOLINT(misc-no-recursion): bounded
  json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  if (type == json_type::object) {
    simdjson::ondemand::object object;
    return value.get_object().get(object) == simdjson::SUCCESS && check_object(object);
  }
  if (type == json_type::array) {
    simdjson::ondemand::array array;
    return value.get_array().get(array) == simdjson::SUCCESS && check_array(array);
  }
  if (type == json_type::string) {
    std::string_view text;
    return value.get_string().get(text) == simdjson::SUCCESS;
  }
  return is_scalar(type, trimmed(value.raw_json_token()));
}

// False when the value is no JSON. `raw`: a string keeps its quotes and escapes.
bool field_from(simdjson::ondemand::value value, bool raw, Field& out) {
  json_type type{};
  std::string_view text;
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  if (type == json_type::string) {
    std::string_view token;
    if (raw) token = trimmed(value.raw_json_token());
    if (value.get_string().get(text) != simdjson::SUCCESS) return false;
    out = field_of(raw ? token : text, FieldKind::kString);
    return true;
  }
  if (type == json_type::object) {
    simdjson::ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS ||
        object.raw_json().get(text) != simdjson::SUCCESS)
      return false;
    out = field_of(trimmed(text), FieldKind::kNested);
    return object.reset().error() == simdjson::SUCCESS && check_object(object);
  }
  if (type == json_type::array) {
    simdjson::ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS ||
        array.raw_json().get(text) != simdjson::SUCCESS)
      return false;
    out = field_of(trimmed(text), FieldKind::kNested);
    return array.reset().error() == simdjson::SUCCESS && check_array(array);
  }
  const std::string_view token = trimmed(value.raw_json_token());
  if (!is_scalar(type, token)) return false;
  if (type == json_type::null)
    out = {token.data(), 0, FieldKind::kNull};
  else
    out = field_of(token, type == json_type::number ? FieldKind::kNumber : FieldKind::kBoolean);
  return true;
}

}  // namespace

struct JsonFields::State {
  std::vector<std::string> columns;
  std::unordered_map<std::string_view, std::size_t> places;  // by name; views into columns
  std::vector<bool> raw;                                     // of each column
  bool ignore_unknown = false;
  simdjson::ondemand::parser parser;

  // The place of a name. Records mostly have the columns' order, so the next place is tried first.
  std::size_t place_of(std::string_view name, std::size_t guess) const {
    if (guess < columns.size() && columns[guess] == name) return guess;
    const auto found = places.find(name);
    return found == places.end() ? columns.size() : found->second;
  }

  // Calls visit(name, value); stops at the first fault that it returns.
  template <typename Visit>
  FieldFault each_member(std::string_view record, Visit visit) {
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    const simdjson::padded_string_view padded(record, record.size() + kRecordPadding);
    simdjson::error_code error = parser.iterate(padded).get(document);
    if (error == simdjson::UTF8_ERROR) return FieldFault::kNotUtf8;
    if (error != simdjson::SUCCESS || document.get_object().get(object) != simdjson::SUCCESS)
      return FieldFault::kNotAnObject;
    for (auto member : object) {
      std::string_view name;
      simdjson::ondemand::value value;
      if (member.unescaped_key().get(name) != simdjson::SUCCESS ||
          member.value().get(value) != simdjson::SUCCESS)
        return FieldFault::kNotAnObject;
      const FieldFault fault = visit(name, value);
      if (fault != FieldFault::kNone) return fault;
    }
    // Anything behind the object, a second one perhaps, makes the line no record.
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS
               ? FieldFault::kNone
               : FieldFault::kNotAnObject;
  }
};

JsonFields::JsonFields(std::vector<std::string> columns, bool ignore_unknown, std::vector<bool> raw)
    : state_(std::make_unique<State>()) {
  state_->columns = std::move(columns);
  state_->ignore_unknown = ignore_unknown;
  state_->raw = std::move(raw);
  state_->raw.resize(state_->columns.size() + 1);  // one for the names that are no columns
  for (std::size_t i = 0; i < state_->columns.size(); ++i)
    state_->places.emplace(state_->columns[i], i);
}
JsonFields::JsonFields(JsonFields&&) noexcept = default;
JsonFields& JsonFields::operator=(JsonFields&&) noexcept = default;
JsonFields::~JsonFields() = default;

FieldFault JsonFields::read(std::string_view record, FieldList& fields) {
  fields.assign(state_->columns.size(), Field{});  // without a place: not there (yet)
  std::size_t guess = 0;
  const FieldFault fault =
      state_->each_member(record, [&](std::string_view name, simdjson::ondemand::value value) {
        const std::size_t place = state_->place_of(name, guess);
        guess = place + 1;
        Field field;
        if (!field_from(value, state_->raw[place], field)) return FieldFault::kNotAnObject;
        if (place == state_->columns.size())
          return state_->ignore_unknown ? FieldFault::kNone : FieldFault::kExtraField;
        if (fields[place].data != nullptr) return FieldFault::kDuplicateField;
        fields[place] = field;
        return FieldFault::kNone;
      });
  return fault;
}

FieldFault JsonFields::read_all(std::string_view record, std::vector<NamedField>& fields) {
  fields.clear();
  return state_->each_member(record, [&](std::string_view name, simdjson::ondemand::value value) {
    const auto same = [&](const NamedField& field) { return field.name == name; };
    if (std::ranges::any_of(fields, same)) return FieldFault::kDuplicateField;
    NamedField& named = fields.emplace_back(NamedField{std::string(name), {}});
    return field_from(value, false, named.field) ? FieldFault::kNone : FieldFault::kNotAnObject;
  });
}

}  // namespace millrace::kernel
