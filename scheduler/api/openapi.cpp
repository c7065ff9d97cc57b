#include "scheduler/api/openapi.h"

#include "base/check.h"
#include "manifest/plain_scalar.h"
#include "manifest/source.h"
#include "manifest/yaml_reader.h"
#include "scheduler/api/json.h"

namespace millrace::api {
namespace {

Json json_of_plain(const std::string& text) {
  switch (manifest::read_as_yaml_1_2(text)) {
    case manifest::Reading::kNull:
      return nullptr;
    case manifest::Reading::kBoolean:
      return text == "true";
    case manifest::Reading::kNumber:
      return Json::parse(text, nullptr, false);
    case manifest::Reading::kTime:
    case manifest::Reading::kText:
      break;
  }
  return text;
}

Json json_of(const manifest::Node& node) {
  switch (node.kind) {
    case manifest::Node::Kind::kNull:
      return nullptr;
    case manifest::Node::Kind::kPlain:
      return json_of_plain(node.text);
    case manifest::Node::Kind::kText:
      return node.text;
    case manifest::Node::Kind::kList: {
      Json list = Json::array();
      for (const manifest::Node& item : node.items) list.push_back(json_of(item));
      return list;
    }
    case manifest::Node::Kind::kMap: {
      Json map = Json::object();
      for (std::size_t i = 0; i < node.items.size(); ++i)
        map[node.keys[i].text] = json_of(node.items[i]);
      return map;
    }
  }
  return nullptr;
}

}  // namespace

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
