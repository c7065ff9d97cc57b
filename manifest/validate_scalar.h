// check_scalar(): one scalar as written, held against its schema. Inside manifest/ only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/json.h"
#include "manifest/node.h"
#include "manifest/problem.h"
#include "manifest/schema.h"
#include "manifest/validate.h"

namespace millrace::manifest {

struct ScalarProblem {
  Error error;
  std::optional<std::size_t> offset = {};  // within the text, when it is about a part of it
};

struct ScalarCheck {
  std::optional<Json> value;  // in its one spelling; may be there in spite of problems
  std::vector<ScalarProblem> problems;
};

// For every shape but objects, lists and maps; a kValue may be a list of texts.
ScalarCheck check_scalar(const Node& node, const ValueSchema& schema, HoleMode mode);

// Why a scalar without quotes is no text, if it is none.
std::optional<Error> not_text(std::string_view plain);

}  // namespace millrace::manifest
