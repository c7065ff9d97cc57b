#include "manifest/reference.h"

#include <array>
#include <optional>
#include <utility>

#include "base/overloaded.h"
#include "manifest/formats.h"
#include "manifest/generated/schema.h"
#include "manifest/json.h"
#include "manifest/nearest.h"
#include "manifest/problem.h"
#include "manifest/schema.h"

namespace millrace::manifest {
namespace {

constexpr std::string_view kOpen = "${{";
constexpr std::string_view kClose = "}}";
constexpr const char* kThree =
    "write ${{parameters.NAME}}, ${{run.id}} or ${{tasks.NAME.outputs.NAME}}";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string_view> split_at_dots(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t dot = text.find('.');
    words.push_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return words;
    text.remove_prefix(dot + 1);
  }
}

Result<Reference> parse_reference(std::string_view inside) {
  const std::string_view text = trimmed(inside);
  const std::vector<std::string_view> words = split_at_dots(text);
  bool names = true;
  for (std::string_view word : words) names = names && has_format(Format::kName, word);
  if (names) {
    if (words.size() == 2 && words[0] == "parameters")
      return Reference(ParameterReference{.name = std::string(words[1])});
    if (words.size() == 2 && words[0] == "run" && words[1] == "id")
      return Reference(RunIdReference{});
    if (words.size() == 4 && words[0] == "tasks" && words[2] == "outputs")
      return Reference(
          OutputReference{.task = std::string(words[1]), .output = std::string(words[3])});
    static const std::array<std::string, 3> kRoots{"parameters", "run", "tasks"};
    if (auto near = nearest(words[0], kRoots); near && *near != words[0])
      return user_error("reference.unknown", "\"" + std::string(text) + "\" is no reference",
                        "did you mean " + *near + "?");
  }
  return user_error("reference.unsupported",
                    "\"" + std::string(text.substr(0, 80)) +
                        "\" is no plain reference, and nothing is computed in ${{…}}",
                    kThree);
}

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(std::int64_t value) { return std::to_string(value); }
std::string text_of(const std::string& value) { return value; }

class Resolver {
 public:
  explicit Resolver(const ReferenceValues& values) : values_(values) {}

  Status object(Json& json, const ObjectSchema& schema) {
    for (const FieldSchema& field : schema.fields) {
      auto it = json.find(field.name);
      if (it == json.end()) continue;
      MILLRACE_RETURN_IF_ERROR(value(*it, field.value));
    }
    return ok_status();
  }

 private:
  Status value(Json& json, const ValueSchema& schema) {
    if (schema.object != nullptr && json.is_object()) return object(json, *schema.object);
    if (schema.item != nullptr && json.is_array()) {
      for (Json& item : json) MILLRACE_RETURN_IF_ERROR(value(item, *schema.item));
    }
    if (schema.reference && json.is_string()) {
      MILLRACE_TRY(filled, fill(json.get_ref<const std::string&>()));
      json = std::move(filled);
    }
    return ok_status();
  }

  Result<Json> fill(const std::string& text) const {
    const Holes found = find_holes(text);
    if (!found.errors.empty()) return found.errors.front().error;
    std::string out;
    std::size_t copied = 0;
    for (const Hole& hole : found.holes) {
      MILLRACE_TRY(value, look_up(hole.reference));
      if (hole.begin == 0 && hole.end == text.size())
        return std::visit([](const auto& held) -> Json { return held; }, value);
      if (std::holds_alternative<std::vector<std::string>>(value))
        return user_error("reference.list",
                          to_string(hole.reference) + " is a list and cannot stand in text");
      out.append(text, copied, hole.begin - copied);
      out += std::visit(Overloaded{[](const std::vector<std::string>&) { return std::string(); },
                                   [](const auto& scalar) { return text_of(scalar); }},
                        value);
      copied = hole.end;
    }
    out.append(text, copied);
    return Json(out);
  }

  Result<Value> look_up(const Reference& reference) const {
    const Value* found = nullptr;
    const Value run_id = values_.run_id;
    std::visit(Overloaded{[&](const ParameterReference& to) {
                            if (auto it = values_.parameters.find(to.name);
                                it != values_.parameters.end())
                              found = &it->second;
                          },
                          [&](const RunIdReference&) { found = &run_id; },
                          [&](const OutputReference& to) {
                            if (auto it = values_.outputs.find({to.task, to.output});
                                it != values_.outputs.end())
                              found = &it->second;
                          }},
               reference);
    if (found == nullptr)
      return user_error("reference.unknown", to_string(reference) + " has no value in this run");
    return *found;
  }

  const ReferenceValues& values_;
};

}  // namespace

Holes find_holes(std::string_view text) {
  Holes found;
  std::size_t at = 0;
  while ((at = text.find(kOpen, at)) != std::string_view::npos) {
    const std::size_t close = text.find(kClose, at + kOpen.size());
    if (close == std::string_view::npos) {
      found.errors.push_back({at, user_error("reference.open", "${{ has no }}", "close it")});
      break;
    }
    auto reference = parse_reference(text.substr(at + kOpen.size(), close - at - kOpen.size()));
    const std::size_t end = close + kClose.size();
    if (reference.ok()) {
      found.holes.push_back({.begin = at, .end = end, .reference = *std::move(reference)});
    } else {
      found.errors.push_back({at, reference.error()});
    }
    at = end;
  }
  return found;
}

std::string to_string(const Reference& reference) {
  return std::visit(Overloaded{[](const ParameterReference& to) { return "parameters." + to.name; },
                               [](const RunIdReference&) { return std::string("run.id"); },
                               [](const OutputReference& to) {
                                 return "tasks." + to.task + ".outputs." + to.output;
                               }},
                    reference);
}

Result<std::string> resolve(std::string_view task_json, const ReferenceValues& values) {
  Json json = Json::parse(task_json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return user_error("value.json", "the task is no JSON object");
  MILLRACE_RETURN_IF_ERROR(Resolver(values).object(json, kTaskSchema));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace millrace::manifest
