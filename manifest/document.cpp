#include "manifest/document.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "manifest/codec.h"
#include "manifest/envelope.h"
#include "manifest/generated/codec.h"
#include "manifest/json_reader.h"
#include "manifest/rules.h"
#include "manifest/yaml_reader.h"

namespace millrace::manifest {
namespace {

template <typename Resource>
Document make_document(const Envelope& envelope) {
  Resource resource;
  codec::decode(envelope.metadata, resource.metadata);
  codec::decode(envelope.spec, resource.spec);
  Document document;
  document.kind = envelope.resource->kind;
  document.resource_version = envelope.resource_version;
  document.name = resource.metadata.name;
  document.ns = resource.metadata.ns.value_or("");
  document.canonical_json = to_json(resource);
  document.resource = std::move(resource);
  return document;
}

// A document when it is sound; its problems in any case.
std::optional<Document> read_document(const std::shared_ptr<const Source>& source, Node root,
                                      Problems& problems) {
  const std::size_t before = problems.size();
  const Envelope envelope = check_envelope(*source, root, problems);
  if (envelope.resource == nullptr || !envelope.decodable) return std::nullopt;
  Document document = envelope.resource->kind == "Workflow" ? make_document<Workflow>(envelope)
                                                            : make_document<WorkflowRun>(envelope);
  document.source = source;
  document.root = std::make_shared<const Node>(std::move(root));
  if (const auto* workflow = std::get_if<Workflow>(&document.resource))
    for (const Finding& finding : check_workflow(*workflow))
      if (problems.size() < kMaxProblems) problems.push_back(document.place(finding));
  if (problems.size() > before) return std::nullopt;
  return document;
}

std::vector<Node> read_nodes(const Source& source, Syntax syntax, Problems& problems) {
  const bool json =
      syntax == Syntax::kJson || (syntax == Syntax::kByName && source.file().ends_with(".json"));
  if (!json) return read_yaml(source, ReadLimits{}, problems);
  std::vector<Node> nodes;
  ReadDocument read = read_json(source, ReadLimits{}, problems);
  if (read.ok) nodes.push_back(std::move(read.root));
  return nodes;
}

}  // namespace

Position Document::locate(std::string_view pointer) const {
  return source->position(find_node(*root, pointer).node->offset);
}

Position Document::locate(std::string_view pointer, std::size_t offset) const {
  return source->position_in(*find_node(*root, pointer).node, offset);
}

Problem Document::place(const Finding& finding) const {
  const Position at =
      finding.offset ? locate(finding.pointer, *finding.offset) : locate(finding.pointer);
  return source->problem(finding.error, finding.pointer, at);
}

Parsed parse(std::string_view text, std::string file, Syntax syntax) {
  Parsed parsed;
  // Before anything is copied: a larger text is refused by its size alone.
  if (text.size() > ReadLimits{}.bytes) {
    Error error =
        user_error("document.size",
                   "is larger than " + std::to_string(ReadLimits{}.bytes) + " bytes", "split it");
    parsed.problems.push_back({.error = std::move(error), .pointer = {}, .file = std::move(file)});
    return parsed;
  }
  const auto source = std::make_shared<const Source>(text, std::move(file));
  std::vector<Node> nodes = read_nodes(*source, syntax, parsed.problems);
  for (Node& node : nodes) {
    if (parsed.problems.size() >= kMaxProblems) break;
    if (auto document = read_document(source, std::move(node), parsed.problems))
      parsed.documents.push_back(*std::move(document));
  }
  if (nodes.empty() && parsed.problems.empty())
    parsed.problems.push_back(
        source->problem(user_error("document.empty", "holds no document"), {}, {}));
  std::ranges::stable_sort(parsed.problems, {}, [](const Problem& problem) {
    return std::tuple(problem.line, problem.column);
  });
  return parsed;
}

}  // namespace millrace::manifest
