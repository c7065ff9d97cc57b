// The schema tables: what may stand in a document, as generated from the fragments in manifest/.
// Parsing, `millrace explain workflow.spec` and the search for references and datasets all walk
// these. Constant data.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "manifest/generated/formats.h"

namespace millrace::manifest {

// Of every document.
inline constexpr std::string_view kApiVersion = "millrace.io/v1alpha1";

enum class Shape : std::uint8_t {
  kText,
  kInteger,
  kBoolean,
  kDuration,  // GEP-2257: 1h30m
  kCpu,       // 500m, 2
  kBytes,     // 2Gi, 512
  kTime,      // RFC 3339
  kValue,     // text, integer, boolean or list of texts; another object declares which
  kEnum,
  kObject,
  kList,
  kMap,  // from text
};

// What a text says about datasets: it names one that the task reads, or one that it writes.
enum class Access : std::uint8_t { kNone, kRead, kWrite };

struct ObjectSchema;
struct EnumSchema;

struct ValueSchema {
  Shape shape = Shape::kText;
  Format format = Format::kNone;
  Access access = Access::kNone;
  bool reference = false;  // ${{…}} may stand in the text
  bool sql = false;
  bool unique = false;  // a list's items differ
  std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  std::uint32_t min_size = 0;  // characters, items or entries
  std::uint32_t max_size = std::numeric_limits<std::uint32_t>::max();
  std::string_view key = {};  // a list of objects that differ in this field
  const ObjectSchema* object = nullptr;
  const EnumSchema* enumeration = nullptr;
  const ValueSchema* item = nullptr;  // of a list or map
};

struct FieldSchema {
  std::string_view name;
  std::string_view doc;  // sentences
  ValueSchema value;
  bool required = false;
  std::string_view default_json = {};  // empty: none
  std::string_view one_of = {};        // the union it is a member of; exactly one of them is given
};

struct ObjectSchema {
  std::string_view name;
  std::string_view doc;
  std::span<const FieldSchema> fields;

  // nullptr when there is none of that name.
  const FieldSchema* find(std::string_view field) const {
    for (const FieldSchema& candidate : fields)
      if (candidate.name == field) return &candidate;
    return nullptr;
  }
};

struct EnumValueSchema {
  std::string_view name;
  std::string_view doc;
};

struct EnumSchema {
  std::string_view name;
  std::string_view doc;
  std::span<const EnumValueSchema> values;
};

struct ResourceSchema {
  std::string_view kind;    // Workflow
  std::string_view plural;  // workflows
  std::string_view doc;
  const ObjectSchema* spec;
};

}  // namespace millrace::manifest
