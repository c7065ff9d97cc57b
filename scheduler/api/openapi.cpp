#include "scheduler/api/openapi.h"

#include "base/check.h"
#include "manifest/source.h"
#include "manifest/yaml_reader.h"
#include "scheduler/api/yaml_json.h"

namespace millrace::api {
const std::string& openapi_json() {
  static const std::string json = [] {
    const manifest::Source source(openapi_yaml(), "openapi.yaml");
    manifest::Problems problems;
    const auto nodes = manifest::read_yaml(source, manifest::ReadLimits{}, problems);
    MILLRACE_CHECK(problems.empty() && nodes.size() == 1,
                   problems.empty() ? "openapi.yaml" : problems.front().to_text());
    return dump(json_of(nodes.front()));
  }();
  return json;
}

}  // namespace millrace::api
