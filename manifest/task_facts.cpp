#include "manifest/task_facts.h"

#include <utility>

#include "manifest/generated/codec.h"
#include "manifest/generated/schema.h"
#include "manifest/walk.h"

namespace millrace::manifest {

TaskFacts facts_of(const Task& task) {
  TaskFacts facts;
  const auto visit = [&](const std::string& pointer, const ValueSchema& schema,
                         const std::string& text) {
    if (schema.access != Access::kNone)
      facts.datasets.push_back({.dataset = text, .access = schema.access, .pointer = pointer});
    if (schema.sql) facts.sql.push_back({.sql = text, .pointer = pointer});
    if (!schema.reference) return;
    for (Hole& hole : find_holes(text).holes) {
      const bool lone = hole.begin == 0 && hole.end == text.size();
      facts.references.push_back({.reference = std::move(hole.reference),
                                  .pointer = pointer,
                                  .offset = hole.begin,
                                  .lone = lone});
    }
  };
  walk_texts(codec::encode(task), kTaskSchema, {}, visit);
  return facts;
}

}  // namespace millrace::manifest
