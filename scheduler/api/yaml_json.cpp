#include "scheduler/api/yaml_json.h"

#include "manifest/plain_scalar.h"
#include "manifest/source.h"
#include "manifest/yaml_reader.h"

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

}  // namespace

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

std::optional<Json> json_of_yaml(const std::string& text) {
  const manifest::Source source(text, "");
  manifest::Problems problems;
  const auto nodes = manifest::read_yaml(source, manifest::ReadLimits{}, problems);
  if (!problems.empty() || nodes.size() != 1 || nodes.front().kind != manifest::Node::Kind::kMap)
    return std::nullopt;
  return json_of(nodes.front());
}

}  // namespace millrace::api
