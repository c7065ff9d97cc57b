// The envelope of a document: apiVersion, kind, metadata, spec. Inside manifest/ only.
#pragma once

#include <string>
#include <string_view>

#include "manifest/json.h"
#include "manifest/node.h"
#include "manifest/problem.h"
#include "manifest/schema.h"
#include "manifest/source.h"

namespace millrace::manifest {

struct Envelope {
  const ResourceSchema* resource = nullptr;  // nullptr: the kind is unknown
  bool decodable = false;
  Json metadata;
  Json spec;
  std::string resource_version;  // Document::resource_version
};
Envelope check_envelope(const Source& source, const Node& root, Problems& problems);

}  // namespace millrace::manifest
