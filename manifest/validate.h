// validate(): a document as written, held against a schema. Gives JSON with every default filled in
// and values in their one spelling, and all problems at once. Inside manifest/ only.
#pragma once

#include <string>

#include "manifest/json.h"
#include "manifest/node.h"
#include "manifest/problem.h"
#include "manifest/schema.h"
#include "manifest/source.h"

namespace millrace::manifest {

enum class HoleMode {
  kTemplate,  // ${{…}} are references, checked here for their form
  kResolved,  // references have been filled in: the text is the value, whatever it looks like
};

struct Validated {
  Json json;
  // Whether `json` can be decoded in spite of problems, so that the rules can find theirs as well:
  // an unknown field does no harm to that, a missing one does. Where it can't, an item of a list
  // that could not be read is null.
  bool decodable = true;
};

// `pointer` is where the node stands in its document: "/spec".
Validated validate(const Source& source, const Node& node, const ObjectSchema& schema,
                   const std::string& pointer, HoleMode mode, Problems& problems);

// "text", "a list", "an object", …
std::string_view describe(const Node& node);

}  // namespace millrace::manifest
