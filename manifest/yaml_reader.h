// read_yaml(): YAML text → a Node tree with places for each document in it. No tags, anchors or
// aliases, so a document means what it shows and cannot grow.
#pragma once

#include <vector>

#include "manifest/node.h"
#include "manifest/problem.h"
#include "manifest/source.h"

namespace millrace::manifest {

// The documents before the first problem; empty ones are left out. Codes: yaml.syntax, yaml.alias,
// yaml.tag, yaml.key, document.size, document.depth, document.nodes, document.count,
// document.encoding.
std::vector<Node> read_yaml(const Source& source, const ReadLimits& limits, Problems& problems);

}  // namespace millrace::manifest
