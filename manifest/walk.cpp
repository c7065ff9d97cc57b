#include "manifest/walk.h"

#include "manifest/problem.h"

namespace millrace::manifest {
namespace {

void walk_value(const Json& json, const ValueSchema& schema, const std::string& pointer,
                const TextVisitor& visit) {
  if (schema.object != nullptr) return walk_texts(json, *schema.object, pointer, visit);
  if (schema.shape == Shape::kList) {
    for (std::size_t i = 0; i < json.size(); ++i)
      walk_value(json[i], *schema.item, pointer + "/" + std::to_string(i), visit);
    return;
  }
  if (schema.shape == Shape::kText) visit(pointer, schema, json.get_ref<const std::string&>());
}

}  // namespace

void walk_texts(const Json& json, const ObjectSchema& schema, const std::string& pointer,
                const TextVisitor& visit) {
  for (const FieldSchema& field : schema.fields)
    if (auto it = json.find(field.name); it != json.end())
      walk_value(*it, field.value, pointer + pointer_step(field.name), visit);
}

}  // namespace millrace::manifest
