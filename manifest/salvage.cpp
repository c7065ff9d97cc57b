#include "manifest/salvage.h"

#include <string>
#include <string_view>
#include <utility>

#include "manifest/generated/codec.h"
#include "manifest/generated/schema.h"
#include "manifest/json_reader.h"
#include "manifest/list_place.h"
#include "manifest/source.h"
#include "manifest/validate.h"

namespace millrace::manifest {
namespace {

bool has_union(const Json& item, const ObjectSchema& schema) {
  for (const FieldSchema& field : schema.fields)
    if (!field.one_of.empty() && item.contains(std::string(field.name))) return true;
  return false;
}

// The fields that make a union are one: a task is of one kind, a parameter of one type.
void erase_union(Json& item, const ObjectSchema& schema) {
  for (const FieldSchema& field : schema.fields)
    if (!field.one_of.empty()) item.erase(std::string(field.name));
}

class Salvage {
 public:
  Salvage(Json spec, std::span<const Problem> problems)
      : spec_(std::move(spec)), problems_(problems) {
    for (const Problem& problem : problems_) {
      if (const auto task = place_below(kTasksPointer, problem.pointer)) {
        if (Json* item = item_at("tasks", *task)) erase_from_task(*item, task->field, problem);
      } else if (const auto parameter = place_below(kParametersPointer, problem.pointer)) {
        if (Json* item = item_at("parameters", *parameter)) {
          erase_union(*item, kParameterSchema);
          if (parameter->field == "name" && !doubled(problem)) item->erase("name");
        }
      } else {
        erase_from_spec(problem.pointer);
      }
    }
    fill_in("tasks", kTaskSchema, {{"command", {{"argv", Json::array({"-"})}}}},
            unsure_.task_names);
    fill_in("parameters", kParameterSchema, {{"string", Json::object()}}, unsure_.parameter_names);
  }

  Json take_spec() { return std::move(spec_); }
  const Unsure& unsure() const { return unsure_; }

 private:
  static bool doubled(const Problem& problem) { return problem.error.code == "value.doubled"; }

  Json* item_at(const char* list, const ListPlace& place) {
    const auto found = spec_.find(list);
    if (found == spec_.end() || !found->is_array() || place.index >= found->size()) return nullptr;
    Json& item = (*found)[place.index];
    if (!item.is_object()) item = Json::object();
    return &item;
  }

  void erase_from_task(Json& task, const std::string& name, const Problem& problem) {
    const FieldSchema* field = kTaskSchema.find(name);
    if (field == nullptr && !name.empty()) return;  // unknown, so it is not there any more
    if (field == nullptr || !field->one_of.empty()) return erase_union(task, kTaskSchema);
    if (name == "name") {
      // What is written and read under a name that another has, or nobody knows, is not looked at.
      erase_union(task, kTaskSchema);
      if (!doubled(problem)) task.erase("name");
      return;
    }
    task.erase(name);
    if (name == "outputs") unsure_.output_names = true;
    // Without dependsOn the other runOn mean the whole run.
    if (name == "dependsOn") task.erase("runOn");
  }

  void erase_from_spec(std::string_view pointer) {
    constexpr std::string_view kSpec = "/spec/";
    if (!pointer.starts_with(kSpec)) return;
    pointer.remove_prefix(kSpec.size());
    const std::string_view field = pointer.substr(0, pointer.find('/'));
    if (field == "parameters") unsure_.parameter_names = true;
    spec_.erase(std::string(field));
  }

  // The items again as the schema wants them: a name of its own, one member of the union.
  void fill_in(const char* list, const ObjectSchema& schema, const Json& stand_in, bool& unnamed) {
    const auto found = spec_.find(list);
    if (found == spec_.end() || !found->is_array()) return;
    for (std::size_t i = 0; i < found->size(); ++i) {
      Json& item = (*found)[i];
      if (!item.is_object()) item = Json::object();
      if (!item.contains("name")) {
        item["name"] = "unnamed_" + std::to_string(i + 1);
        erase_union(item, schema);
        unnamed = true;
      }
      if (!has_union(item, schema)) item.update(stand_in);
    }
  }

  Json spec_;
  std::span<const Problem> problems_;
  Unsure unsure_;
};

// By the same check as what a person writes: what passes can be decoded.
template <typename Part>
bool decode_checked(const Json& json, const ObjectSchema& schema, Part& out) {
  constexpr ReadLimits kOwnLimits{.bytes = 64U << 20, .depth = 64, .nodes = 4'000'000};
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const Source source(text, {});
  Problems problems;
  const ReadDocument read = read_json(source, kOwnLimits, problems);
  if (!read.ok) return false;
  const Validated validated =
      validate(source, read.root, schema, {}, HoleMode::kTemplate, problems);
  if (!validated.decodable) return false;
  codec::decode(validated.json, out);
  return true;
}

}  // namespace

std::optional<Salvaged> salvage(const Json& metadata, const Json& spec,
                                std::span<const Problem> problems) {
  // What is beyond the limit is not known to be broken.
  if (!spec.is_object() || problems.size() >= kMaxProblems) return std::nullopt;
  Salvaged salvaged;
  if (!decode_checked(metadata, kObjectMetaSchema, salvaged.workflow.metadata))
    salvaged.workflow.metadata = {};
  Salvage salvage(spec, problems);
  if (!decode_checked(salvage.take_spec(), kWorkflowSpecSchema, salvaged.workflow.spec))
    return std::nullopt;
  salvaged.unsure = salvage.unsure();
  return salvaged;
}

}  // namespace millrace::manifest
