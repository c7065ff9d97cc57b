// The shape of the engine's syntax tree, as rows: every kind of node that a query may hold, every
// field of it, and what the field holds. What no row names is refused, so a node or a field that a
// new engine brings fails closed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace millrace::sql {

enum class NodeKind : std::uint8_t {
  kPlain,       // names, flags, numbers, literal values: nothing to walk
  kExpression,  // tagged by "class"
  kTable,       // what stands in FROM; tagged by "type"
  kQuery,       // SELECT, UNION, a recursive CTE's two halves; tagged by "type"
  kModifier,    // ORDER BY, LIMIT, DISTINCT; tagged by "type"
  kType,        // of a cast; no tag, checked by name
  // Records without a tag:
  kStatement,
  kCteMap,
  kCteEntry,
  kCte,
  kOrder,
  kCaseCheck,
  kReplacement,  // * REPLACE (expression AS column)
  kPivotColumn,
  kPivotEntry,
  kTypeInfo,
  kTypeChild,
};

struct Field {
  std::string_view name;
  NodeKind holds;  // or a list of it, or a list of lists
};

struct Shape {
  NodeKind kind;
  std::string_view tag;  // empty for records
  std::span<const Field> fields;
};

// The tag's key in nodes of this kind; empty for records.
std::string_view tag_key(NodeKind kind);
// The row for a node, or nullptr when nothing of that tag is allowed.
const Shape* find_shape(NodeKind kind, std::string_view tag);
// The row for a field, or nullptr when the node may not have it.
const Field* find_field(const Shape& shape, std::string_view name);

// What a refused node or field is called in SQL: "SHOW, DESCRIBE or SUMMARIZE" for SHOW_REF.
std::string_view spoken_name(std::string_view tag_or_field);

}  // namespace millrace::sql
