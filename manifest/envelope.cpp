#include "manifest/envelope.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "manifest/generated/schema.h"
#include "manifest/nearest.h"
#include "manifest/validate.h"

namespace millrace::manifest {
namespace {

const std::vector<std::string>& envelope_fields() {
  static const std::vector<std::string> kFields{"apiVersion", "kind", "metadata", "spec"};
  return kFields;
}

// The document's fields by name; what is unknown or doubled becomes a problem.
class Fields {
 public:
  Fields(const Source& source, const Node& root, Problems& problems)
      : source_(source), root_(root), problems_(problems) {
    for (std::size_t i = 0; i < root.keys.size(); ++i) check_key(i);
  }

  const Node* find(std::string_view name) const {
    for (std::size_t i = 0; i < root_.keys.size(); ++i)
      if (root_.keys[i].text == name) return &root_.items[i];
    return nullptr;
  }

  // A text that must be there.
  const Node* text(std::string_view name, std::string hint) {
    const Node* node = find(name);
    if (node == nullptr) {
      if (!nearly(name))
        add(root_.offset, name, user_error("field.missing", "missing", std::move(hint)));
      return nullptr;
    }
    if (node->kind == Node::Kind::kPlain || node->kind == Node::Kind::kText) return node;
    add(node->offset, name,
        user_error("value.type", "is " + std::string(describe(*node)) + ", not text",
                   std::move(hint)));
    return nullptr;
  }

  bool nearly(std::string_view name) const {
    for (const Key& key : root_.keys)
      if (auto near = nearest(key.text, envelope_fields()); near && *near == name) return true;
    return false;
  }

  void add(std::uint32_t offset, std::string_view field, Error error) {
    if (problems_.size() >= kMaxProblems) return;
    error.path = field;
    problems_.push_back(
        source_.problem(std::move(error), pointer_step(field), source_.position(offset)));
  }

 private:
  void check_key(std::size_t index) {
    const Key& key = root_.keys[index];
    if (key.text == "status")
      return add(key.offset, key.text,
                 user_error("field.unknown", "is written by Millrace alone", "remove it"));
    bool known = false;
    for (const std::string& field : envelope_fields()) known = known || field == key.text;
    if (!known)
      return add(
          key.offset, key.text,
          user_error("field.unknown", "unknown field", meant_hint(key.text, envelope_fields())));
    for (std::size_t before = 0; before < index; ++before) {
      if (root_.keys[before].text != key.text) continue;
      const int line = source_.position(root_.keys[before].offset).line;
      return add(key.offset, key.text,
                 user_error("field.doubled", "given twice, first in line " + std::to_string(line),
                            "remove one"));
    }
  }

  const Source& source_;
  const Node& root_;
  Problems& problems_;
};

// What a scheduler adds to metadata when it shows a document.
constexpr std::array<std::string_view, 4> kShown{"uid", "resourceVersion", "generation",
                                                 "creationTimestamp"};

// The metadata without what was added when it was shown, so that a document may come back as it was
// seen. Of that only resourceVersion means something: which version of the object was seen.
Node without_shown(const Source& source, const Node& metadata, std::string& resource_version,
                   Problems& problems) {
  Node written = metadata;
  if (metadata.kind != Node::Kind::kMap) return written;
  for (const std::string_view field : kShown) {
    const auto key = std::ranges::find(written.keys, field, &Key::text);
    if (key == written.keys.end()) continue;
    const auto value = written.items.begin() + (key - written.keys.begin());
    if (field == "resourceVersion") {
      const bool text = value->kind == Node::Kind::kText || value->kind == Node::Kind::kPlain;
      if (!text || value->text.empty()) {
        Error error = user_error("value.type", "is " + std::string(describe(*value)) + ", not text",
                                 "leave it out, or as it was shown");
        error.path = "metadata.resourceVersion";
        problems.push_back(source.problem(std::move(error), "/metadata/resourceVersion",
                                          source.position(value->offset)));
      }
      resource_version = value->text;
    }
    written.items.erase(value);
    written.keys.erase(key);
  }
  return written;
}

const ResourceSchema* find_resource(const Node& kind, Fields& fields) {
  std::vector<std::string> names;
  for (const ResourceSchema& candidate : resource_schemas()) {
    if (candidate.kind == kind.text) return &candidate;
    names.emplace_back(candidate.kind);
  }
  fields.add(kind.offset, "kind",
             user_error("document.kind", in_quotes(kind.text) + " is no kind of document",
                        meant_hint(kind.text, names)));
  return nullptr;
}

}  // namespace

Envelope check_envelope(const Source& source, const Node& root, Problems& problems) {
  Envelope envelope;
  if (root.kind != Node::Kind::kMap) {
    problems.push_back(source.problem(
        user_error("value.type",
                   "the document is " + std::string(describe(root)) + ", not an object",
                   "begin with apiVersion: " + std::string(kApiVersion)),
        {}, source.position(root.offset)));
    return envelope;
  }
  Fields fields(source, root, problems);
  const std::string version_hint = "write apiVersion: " + std::string(kApiVersion);
  if (const Node* version = fields.text("apiVersion", version_hint);
      version != nullptr && version->text != kApiVersion)
    fields.add(
        version->offset, "apiVersion",
        user_error("document.version", in_quotes(version->text) + " is not known", version_hint));
  if (const Node* kind = fields.text("kind", "write kind: Workflow or kind: WorkflowRun"))
    envelope.resource = find_resource(*kind, fields);
  if (envelope.resource == nullptr) return envelope;
  envelope.decodable = true;
  const auto part = [&](std::string_view name, const ObjectSchema& schema,
                        std::string hint) -> Json {
    const Node* node = fields.find(name);
    if (node == nullptr) {
      if (!fields.nearly(name))
        fields.add(root.offset, name, user_error("field.missing", "missing", std::move(hint)));
      envelope.decodable = false;
      return {};
    }
    if (node->kind == Node::Kind::kNull) {
      fields.add(node->offset, name, user_error("value.missing", "has no value", std::move(hint)));
      envelope.decodable = false;
      return {};
    }
    const bool metadata = name == "metadata";
    Validated validated = validate(
        source,
        metadata ? without_shown(source, *node, envelope.resource_version, problems) : *node,
        schema, pointer_step(name), HoleMode::kTemplate, problems);
    envelope.decodable = envelope.decodable && validated.decodable;
    return std::move(validated.json);
  };
  envelope.metadata = part("metadata", kObjectMetaSchema, "write metadata: {name: …}");
  envelope.spec = part("spec", *envelope.resource->spec,
                       "give what the " + std::string(envelope.resource->kind) + " is made of");
  return envelope;
}

}  // namespace millrace::manifest
