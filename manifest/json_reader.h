// read_json(): JSON text → a Node tree with places. Strict RFC 8259, one value a text.
#pragma once

#include "manifest/node.h"
#include "manifest/problem.h"
#include "manifest/source.h"

namespace millrace::manifest {

struct ReadDocument {
  bool ok = false;
  Node root;
};

// Codes: json.syntax, document.size, document.depth, document.nodes. Numbers stay as they are
// written.
ReadDocument read_json(const Source& source, const ReadLimits& limits, Problems& problems);

}  // namespace millrace::manifest
