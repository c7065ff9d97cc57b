// walk_texts(): every text of a decoded thing, with what its schema says of it. Inside manifest/
// only.
#pragma once

#include <functional>
#include <string>

#include "manifest/json.h"
#include "manifest/schema.h"

namespace millrace::manifest {

using TextVisitor = std::function<void(const std::string& pointer, const ValueSchema& schema,
                                       const std::string& text)>;

// In the order of the schema's fields and the lists' items. `json` must have passed validate().
void walk_texts(const Json& json, const ObjectSchema& schema, const std::string& pointer,
                const TextVisitor& visit);

}  // namespace millrace::manifest
