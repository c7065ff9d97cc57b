#include "manifest/validate.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "manifest/json_reader.h"
#include "manifest/nearest.h"
#include "manifest/validate_scalar.h"

namespace millrace::manifest {
namespace {

std::string lower_first_without_dot(std::string_view doc) {
  std::string text(doc.substr(0, doc.find_first_of(":;.")));
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z'))
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " " + std::string(last) + " " : ", ";
    text += words[i];
  }
  return text;
}

class Validator {
 public:
  Validator(const Source& source, HoleMode mode, Problems& problems)
      : source_(source), mode_(mode), problems_(problems) {}

  bool decodable() const { return decodable_; }

  Json object(const Node& node, const ObjectSchema& schema, const std::string& pointer) {
    Json out = Json::object();
    if (!expect(node, Node::Kind::kMap, "an object", pointer)) return out;
    std::set<std::string_view> meant;  // what unknown fields were probably meant to be
    std::set<std::string_view> given;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const Key& key = node.keys[i];
      const std::string at = pointer + pointer_step(key.text);
      const FieldSchema* field = schema.find(key.text);
      if (field == nullptr) {
        unknown_field(key, schema, at, meant);
        continue;
      }
      if (!given.insert(field->name).second) {
        doubled_key(node, i, at);
        continue;
      }
      if (auto value = this->value(node.items[i], field->value, at))
        out[std::string(field->name)] = *std::move(value);
    }
    fill_in(node, schema, pointer, given, meant, out);
    return out;
  }

 private:
  // Defaults, and what is missing; unions want exactly one of their members.
  void fill_in(const Node& node, const ObjectSchema& schema, const std::string& pointer,
               const std::set<std::string_view>& given, const std::set<std::string_view>& meant,
               Json& out) {
    std::set<std::string_view> unions;
    for (const FieldSchema& field : schema.fields) {
      if (!field.one_of.empty()) {
        if (unions.insert(field.one_of).second)
          check_union(node, schema, field.one_of, pointer, given, meant);
        continue;
      }
      if (given.contains(field.name)) continue;
      if (!field.default_json.empty()) {
        out[std::string(field.name)] = default_of(field);
      } else if (field.required) {
        decodable_ = false;
        if (meant.contains(field.name)) continue;
        add(node.offset, pointer + pointer_step(field.name),
            user_error("field.missing", "missing", "give " + lower_first_without_dot(field.doc)));
      }
    }
  }

  void check_union(const Node& node, const ObjectSchema& schema, std::string_view one_of,
                   const std::string& pointer, const std::set<std::string_view>& given,
                   const std::set<std::string_view>& meant) {
    std::vector<std::string> members;
    std::vector<std::string> present;
    bool nearly = false;
    for (const FieldSchema& field : schema.fields) {
      if (field.one_of != one_of) continue;
      members.emplace_back(field.name);
      if (given.contains(field.name)) present.emplace_back(field.name);
      nearly = nearly || meant.contains(field.name);
    }
    if (present.size() == 1) return;
    decodable_ = false;
    if (present.empty()) {
      if (nearly) return;
      add(node.offset, pointer,
          user_error("union.none",
                     members.size() == 1 ? "needs " + members[0]
                                         : "needs exactly one of " + joined(members, "and"),
                     members.size() == 1 ? "add it" : "add one"));
      return;
    }
    add(node.offset, pointer,
        user_error("union.several", joined(present, "and") + " exclude each other", "keep one"));
  }

  // Defaults are written by us and valid by a test, so their problems are none of the document's.
  Json default_of(const FieldSchema& field) {
    const Source text(field.default_json, {});
    Problems none;
    const ReadDocument read = read_json(text, ReadLimits{}, none);
    Validator validator(text, HoleMode::kResolved, none);
    auto value = validator.value(read.root, field.value, {});
    return value ? *std::move(value) : Json();
  }

  void unknown_field(const Key& key, const ObjectSchema& schema, const std::string& at,
                     std::set<std::string_view>& meant) {
    std::vector<std::string> names;
    for (const FieldSchema& field : schema.fields) names.emplace_back(field.name);
    if (auto near = nearest(key.text, names)) meant.insert(schema.find(*near)->name);
    add(key.offset, at,
        user_error("field.unknown", "unknown field",
                   names.empty() ? "there is none to give here" : meant_hint(key.text, names)));
  }

  void doubled_key(const Node& node, std::size_t index, const std::string& at) {
    const auto first = std::ranges::find(node.keys, node.keys[index].text, &Key::text);
    add(node.keys[index].offset, at,
        user_error(
            "field.doubled",
            "given twice, first in line " + std::to_string(source_.position(first->offset).line),
            "remove one"));
  }

  // Nothing when there is no value that a struct could hold.
  std::optional<Json> value(const Node& node, const ValueSchema& schema,
                            const std::string& pointer) {
    if (node.kind == Node::Kind::kNull) {
      add(node.offset, pointer, missing_value(schema));
      return broken();
    }
    switch (schema.shape) {
      case Shape::kObject:
        return object(node, *schema.object, pointer);
      case Shape::kList:
        return list(node, schema, pointer);
      case Shape::kMap:
        return map(node, schema, pointer);
      default:
        break;
    }
    ScalarCheck check = check_scalar(node, schema, mode_);
    for (ScalarProblem& problem : check.problems) {
      const Position at = problem.offset ? source_.position_in(node, *problem.offset)
                                         : source_.position(node.offset);
      add(at, pointer, std::move(problem.error));
    }
    if (!check.value) return broken();
    return *std::move(check.value);
  }

  static Error missing_value(const ValueSchema& schema) {
    const bool text = schema.shape == Shape::kText || schema.shape == Shape::kValue;
    return user_error("value.missing", "has no value",
                      schema.shape == Shape::kObject ? "write {} for an empty one"
                      : schema.shape == Shape::kList ? "write [] for an empty list"
                      : text ? "write \"\" for empty text, \"null\" for the word"
                             : "give one or remove the field");
  }

  std::optional<Json> list(const Node& node, const ValueSchema& schema,
                           const std::string& pointer) {
    if (!expect(node, Node::Kind::kList, "a list", pointer)) return std::nullopt;
    check_size(node, schema, pointer, "items");
    Json out = Json::array();
    std::set<std::string> seen;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const Node& item = node.items[i];
      const std::string at = pointer + "/" + std::to_string(i);
      auto checked = value(item, *schema.item, at);
      out.push_back(checked ? *std::move(checked) : Json());  // so that the others keep their index
      check_distinct(item, schema, at, seen);
    }
    return out;
  }

  // Items that the schema tells apart, by their value or by the field that names them.
  void check_distinct(const Node& item, const ValueSchema& schema, const std::string& at,
                      std::set<std::string>& seen) {
    const Node* told_by = schema.unique ? &item : nullptr;
    if (!schema.key.empty())
      for (std::size_t i = 0; i < item.keys.size(); ++i)
        if (item.keys[i].text == schema.key) told_by = &item.items[i];
    if (told_by == nullptr ||
        (told_by->kind != Node::Kind::kText && told_by->kind != Node::Kind::kPlain))
      return;
    if (seen.insert(told_by->text).second) return;
    add(told_by->offset, schema.unique ? at : at + pointer_step(schema.key),
        user_error("value.doubled", in_quotes(told_by->text) + " is in the list twice",
                   schema.unique ? "remove one" : "give one another " + std::string(schema.key)));
  }

  std::optional<Json> map(const Node& node, const ValueSchema& schema, const std::string& pointer) {
    if (!expect(node, Node::Kind::kMap, "an object", pointer)) return std::nullopt;
    check_size(node, schema, pointer, "entries");
    Json out = Json::object();
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const Key& key = node.keys[i];
      const std::string at = pointer + pointer_step(key.text);
      if (key.plain)
        if (auto error = not_text(key.text)) add(key.offset, at, *std::move(error));
      if (key.text.empty() || key.text.size() > kMaxMapKey)
        add(key.offset, at, user_error("value.length", "a name here has 1 to 316 characters"));
      if (out.contains(key.text)) {
        doubled_key(node, i, at);
        continue;
      }
      if (auto checked = value(node.items[i], *schema.item, at))
        out[key.text] = *std::move(checked);
    }
    return out;
  }

  void check_size(const Node& node, const ValueSchema& schema, const std::string& pointer,
                  std::string_view what) {
    const std::size_t size = node.items.size();
    if (size < schema.min_size)
      add(node.offset, pointer,
          user_error("value.size", "is empty", "give at least one of its " + std::string(what)));
    if (size > schema.max_size)
      add(node.offset, pointer,
          user_error("value.size", "has " + std::to_string(size) + " " + std::string(what),
                     "give at most " + std::to_string(schema.max_size)));
  }

  bool expect(const Node& node, Node::Kind kind, std::string_view wanted,
              const std::string& pointer) {
    if (node.kind == kind) return true;
    add(node.offset, pointer,
        user_error("value.type",
                   "is " + std::string(describe(node)) + ", not " + std::string(wanted),
                   kind == Node::Kind::kList ? "put - before each item, or [ ] around them"
                                             : "give its fields as name: value"));
    decodable_ = false;
    return false;
  }

  std::nullopt_t broken() {
    decodable_ = false;
    return std::nullopt;
  }

  void add(std::uint32_t offset, const std::string& pointer, Error error) {
    add(source_.position(offset), pointer, std::move(error));
  }
  void add(Position at, const std::string& pointer, Error error) {
    if (problems_.size() >= kMaxProblems) return;
    error.path = path_of_pointer(pointer);
    problems_.push_back(source_.problem(std::move(error), pointer, at));
  }

  // Kubernetes' prefix/name: 253 + 1 + 63, less one.
  static constexpr std::size_t kMaxMapKey = 316;

  const Source& source_;
  HoleMode mode_;
  Problems& problems_;
  bool decodable_ = true;
};

}  // namespace

Validated validate(const Source& source, const Node& node, const ObjectSchema& schema,
                   const std::string& pointer, HoleMode mode, Problems& problems) {
  Validator validator(source, mode, problems);
  Json json = validator.object(node, schema, pointer);
  return {.json = std::move(json), .decodable = validator.decodable()};
}

std::string_view describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "empty";
    case Node::Kind::kPlain:
    case Node::Kind::kText:
      return "a single value";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "an object";
  }
  return "nothing";
}

}  // namespace millrace::manifest
