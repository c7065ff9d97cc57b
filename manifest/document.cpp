#include "manifest/document.h"

#include <algorithm>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "manifest/envelope.h"
#include "manifest/generated/codec.h"
#include "manifest/json_reader.h"
#include "manifest/list_place.h"
#include "manifest/rules.h"
#include "manifest/salvage.h"
#include "manifest/yaml_reader.h"

namespace millrace::manifest {
namespace {

template <typename Resource>
Document make_document(const Envelope& envelope, Resource resource) {
  Document document;
  document.kind = envelope.resource->kind;
  document.resource_version = envelope.resource_version;
  document.name = resource.metadata.name;
  document.ns = resource.metadata.ns.value_or("");
  document.resource = std::move(resource);
  return document;
}

template <typename Resource>
Resource decoded(const Envelope& envelope) {
  Resource resource;
  codec::decode(envelope.metadata, resource.metadata);
  codec::decode(envelope.spec, resource.spec);
  return resource;
}

// Adds one document, sound or a draft, and its problems.
class DocumentReader {
 public:
  DocumentReader(std::shared_ptr<const Source> source, Parsed& parsed)
      : source_(std::move(source)), parsed_(parsed), before_(parsed.problems.size()) {}

  void read(Node node) {
    const Envelope envelope = check_envelope(*source_, node, parsed_.problems);
    if (envelope.resource == nullptr) return;
    root_ = std::make_shared<const Node>(std::move(node));
    if (envelope.resource->kind == "Workflow") return workflow(envelope);
    if (!envelope.decodable || !problems().empty()) return;
    parsed_.documents.push_back(whole(make_document(envelope, decoded<WorkflowRun>(envelope))));
  }

 private:
  std::span<const Problem> problems() const {
    return std::span<const Problem>(parsed_.problems).subspan(before_);
  }

  Document whole(Document document) const {
    document.source = source_;
    document.root = root_;
    return document;
  }

  // Tasks of one name are told apart by it, so what is read of them would be mixed up.
  bool has_doubled_task() const {
    return std::ranges::any_of(problems(), [](const Problem& problem) {
      return problem.error.code == "value.doubled" && problem.pointer.starts_with(kTasksPointer);
    });
  }

  void workflow(const Envelope& envelope) {
    std::optional<Salvaged> salvaged;
    if (!envelope.decodable || has_doubled_task())
      salvaged = salvage(envelope.metadata, envelope.spec, problems());
    if (!salvaged && !envelope.decodable) return;
    // What could be read in spite of its problems is held against the rules as it is.
    Document document =
        whole(make_document(envelope, envelope.decodable ? decoded<Workflow>(envelope)
                                                         : std::move(salvaged->workflow)));
    Unsure unsure = salvaged ? std::move(salvaged->unsure) : Unsure{};
    const auto& workflow = std::get<Workflow>(document.resource);
    for (const Finding& finding : sure_findings(check_workflow(workflow), unsure))
      if (parsed_.problems.size() < kMaxProblems)
        parsed_.problems.push_back(document.place(finding));
    if (problems().empty()) {
      parsed_.documents.push_back(std::move(document));
      return;
    }
    if (salvaged && envelope.decodable)
      document = whole(make_document(envelope, std::move(salvaged->workflow)));
    unsure.tasks = tasks_of(problems());
    parsed_.drafts.push_back({std::move(document), std::move(unsure)});
  }

  std::shared_ptr<const Source> source_;
  std::shared_ptr<const Node> root_;
  Parsed& parsed_;
  std::size_t before_;  // problems of the documents before it
};

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
    DocumentReader(source, parsed).read(std::move(node));
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
