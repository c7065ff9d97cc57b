#include "cli/field_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <vector>

#include "manifest/formats.h"
#include "manifest/generated/schema.h"
#include "manifest/nearest.h"
#include "manifest/problem.h"
#include "manifest/schema.h"

namespace millrace::cli {
namespace {

using manifest::FieldSchema;
using manifest::ObjectSchema;
using manifest::ResourceSchema;
using manifest::Shape;
using manifest::ValueSchema;

constexpr std::size_t kWidth = 80;

constexpr ValueSchema kTextValue{};
constexpr ValueSchema kMetadataValue{.shape = Shape::kObject,
                                     .object = &manifest::kObjectMetaSchema};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Lines of at most kWidth, each behind the indentation.
std::string wrapped(std::string_view text, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::string out;
  std::string line;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!line.empty() && indent + line.size() + 1 + word.size() > kWidth) {
      out += margin + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + std::string(word);
  }
  return line.empty() ? out : out + margin + line + "\n";
}

std::string bounds(std::int64_t low, std::int64_t high) {
  const bool has_low = low != std::numeric_limits<std::int64_t>::min();
  const bool has_high = high != std::numeric_limits<std::int64_t>::max();
  if (has_low && has_high) return std::to_string(low) + " to " + std::to_string(high);
  if (has_low) return "at least " + std::to_string(low);
  return has_high ? "at most " + std::to_string(high) : "";
}

std::string sizes(const ValueSchema& value, const char* what) {
  const bool limited = value.max_size != std::numeric_limits<std::uint32_t>::max();
  if (!limited && value.min_size == 0) return "";
  return " (" +
         bounds(value.min_size == 0 ? std::numeric_limits<std::int64_t>::min() : value.min_size,
                limited ? value.max_size : std::numeric_limits<std::int64_t>::max()) +
         " " + what + ")";
}

std::string text_type(const ValueSchema& value) {
  if (value.sql) return "SQL";
  if (value.format == manifest::Format::kNone) return "text";
  std::string name(manifest::format_info(value.format).name);
  std::ranges::replace(name, '_', ' ');
  return name;
}

std::string type_of(const ValueSchema& value) {
  std::string type;
  switch (value.shape) {
    case Shape::kText:
      type = text_type(value);
      break;
    case Shape::kInteger:
      type = "integer";
      break;
    case Shape::kBoolean:
      return "boolean";
    case Shape::kDuration:
      type = "duration";
      break;
    case Shape::kCpu:
      type = "CPU amount";
      break;
    case Shape::kBytes:
      type = "byte amount";
      break;
    case Shape::kTime:
      type = "time";
      break;
    case Shape::kValue:
      type = "text, integer, boolean or list of texts";
      break;
    case Shape::kEnum:
      for (const manifest::EnumValueSchema& one : value.enumeration->values)
        type += (type.empty() ? "" : "|") + std::string(one.name);
      return type;
    case Shape::kObject:
      return std::string(value.object->name);
    case Shape::kList:
      return "list of " + type_of(*value.item) + sizes(value, "items");
    case Shape::kMap:
      return "map to " + type_of(*value.item) + sizes(value, "entries");
  }
  if (const std::string range = bounds(value.minimum, value.maximum);
      !range.empty() && value.shape == Shape::kInteger)
    type += ", " + range;
  return type + (value.reference ? ", holes" : "");
}

// What a list or map holds, which is what its fields are those of.
const ValueSchema& innermost(const ValueSchema& value) {
  const ValueSchema* at = &value;
  while ((at->shape == Shape::kList || at->shape == Shape::kMap) && at->item != nullptr)
    at = at->item;
  return *at;
}

std::string heading(const FieldSchema& field) {
  std::string text = std::string(field.name) + " <" + type_of(field.value) + ">";
  if (field.required) text += " -required-";
  if (!field.one_of.empty()) text += " -one of them-";
  if (!field.default_json.empty()) text += " (default " + std::string(field.default_json) + ")";
  return text;
}

std::string members_text(const ObjectSchema& object) {
  if (object.fields.empty()) return "\nNo fields: write {}.\n";
  std::string text = "\nFIELDS:\n";
  for (const FieldSchema& field : object.fields)
    text += "  " + heading(field) + "\n" + wrapped(field.doc, 4);
  return text;
}

std::string inside_text(const ValueSchema& value) {
  const ValueSchema& inner = innermost(value);
  if (inner.shape == Shape::kObject) return members_text(*inner.object);
  if (inner.shape != Shape::kEnum) return "";
  std::string text = "\nVALUES:\n";
  for (const manifest::EnumValueSchema& one : inner.enumeration->values)
    text += "  " + std::string(one.name) + "\n" + wrapped(one.doc, 4);
  return text;
}

std::array<FieldSchema, 4> document_fields(const ResourceSchema& resource) {
  return {{{.name = "apiVersion",
            .doc = "The version of the schema: millrace.io/v1alpha1.",
            .value = kTextValue,
            .required = true},
           {.name = "kind",
            .doc = "What the document describes.",
            .value = kTextValue,
            .required = true},
           {.name = "metadata",
            .doc = manifest::kObjectMetaSchema.doc,
            .value = kMetadataValue,
            .required = true},
           {.name = "spec",
            .doc = resource.spec->doc,
            .value = {.shape = Shape::kObject, .object = resource.spec},
            .required = true}}};
}

Error unknown(const std::string& what, std::string_view name,
              const std::vector<std::string>& known) {
  Error error = manifest::user_error("field.unknown", what + manifest::in_quotes(name),
                                     manifest::meant_hint(name, known));
  if (error.hint.empty() && !known.empty())
    error.hint = "leave it out to see the " + std::to_string(known.size()) + " that there are";
  return error;
}

Result<const ResourceSchema*> find_resource(std::string_view word) {
  std::vector<std::string> known;
  for (const ResourceSchema& resource : manifest::resource_schemas()) {
    if (lower(word) == lower(resource.kind) || lower(word) == resource.plural) return &resource;
    known.push_back(lower(resource.kind));
  }
  Error error = unknown("there is no kind of document ", word, known);
  if (!error.hint.starts_with("did you mean"))
    error.hint += ". Of a run or a task: `millrace explain run NAME`, `explain task NAME/TASK`";
  return error;
}

}  // namespace

Result<std::string> field_text(std::string_view path) {
  const std::string_view first = path.substr(0, path.find('.'));
  MILLRACE_TRY(resource, find_resource(first));
  const std::array<FieldSchema, 4> top = document_fields(*resource);
  const ObjectSchema document{resource->kind, resource->doc, top};
  const std::string head = "KIND:    " + std::string(resource->kind) +
                           "\nVERSION: " + std::string(manifest::kApiVersion) + "\n";
  if (path.size() == first.size())
    return head + "\nDESCRIPTION:\n" + wrapped(resource->doc, 2) + members_text(document);

  const ObjectSchema* object = &document;
  const FieldSchema* field = nullptr;
  std::string_view rest = path.substr(first.size() + 1);
  std::string walked(first);
  while (true) {
    const std::string_view step = rest.substr(0, rest.find('.'));
    if (object == nullptr)
      return manifest::user_error("field.unknown", walked + " has no fields",
                                  "`millrace explain " + walked + "` tells what it is");
    field = object->find(step.substr(0, step.find('[')));  // tasks[] and tasks[3] are tasks
    if (field == nullptr) {
      std::vector<std::string> known;
      for (const FieldSchema& candidate : object->fields) known.emplace_back(candidate.name);
      return unknown(walked + " has no field ", step, known);
    }
    walked += "." + std::string(field->name);
    const ValueSchema& inner = innermost(field->value);
    object = inner.shape == Shape::kObject ? inner.object : nullptr;
    if (rest.size() == step.size()) break;
    rest.remove_prefix(step.size() + 1);
  }
  std::string text =
      head + "\nFIELD: " + heading(*field) + "\n\nDESCRIPTION:\n" + wrapped(field->doc, 2);
  // A member of a union says itself what its type does.
  if (object != nullptr && field->one_of.empty() && object->doc != field->doc)
    text += wrapped(object->doc, 2);
  if (field->value.shape == Shape::kText && field->value.format != manifest::Format::kNone)
    text += wrapped("It is " + std::string(manifest::format_info(field->value.format).what) + ": " +
                        std::string(manifest::format_info(field->value.format).rule) + ".",
                    2);
  return text + inside_text(field->value);
}

}  // namespace millrace::cli
