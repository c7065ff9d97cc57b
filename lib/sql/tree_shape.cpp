#include "lib/sql/tree_shape.h"

namespace millrace::sql {
namespace {

using enum NodeKind;

// Expressions. All have class, type, alias and query_location; they are listed once, in kCommon.
constexpr Field kCommon[] = {
    {"class", kPlain}, {"type", kPlain}, {"alias", kPlain}, {"query_location", kPlain}};
constexpr Field kBetween[] = {
    {"input", kExpression}, {"lower", kExpression}, {"upper", kExpression}};
constexpr Field kCase[] = {{"case_checks", kCaseCheck}, {"else_expr", kExpression}};
constexpr Field kCast[] = {{"child", kExpression}, {"cast_type", kType}, {"try_cast", kPlain}};
constexpr Field kCollate[] = {{"child", kExpression}, {"collation", kPlain}};
constexpr Field kColumnRef[] = {{"column_names", kPlain}};
constexpr Field kComparison[] = {{"left", kExpression}, {"right", kExpression}};
constexpr Field kChildren[] = {{"children", kExpression}};
constexpr Field kConstant[] = {{"value", kPlain}};
// export_state must be false; the walk sees to it, and to function_name, schema and catalog.
constexpr Field kFunction[] = {
    {"function_name", kPlain}, {"schema", kPlain},      {"catalog", kPlain},
    {"children", kExpression}, {"filter", kExpression}, {"order_bys", kModifier},
    {"distinct", kPlain},      {"is_operator", kPlain}, {"export_state", kPlain}};
constexpr Field kWindow[] = {{"function_name", kPlain},
                             {"schema", kPlain},
                             {"catalog", kPlain},
                             {"children", kExpression},
                             {"partitions", kExpression},
                             {"orders", kOrder},
                             {"start", kPlain},
                             {"end", kPlain},
                             {"start_expr", kExpression},
                             {"end_expr", kExpression},
                             {"offset_expr", kExpression},
                             {"default_expr", kExpression},
                             {"ignore_nulls", kPlain},
                             {"filter_expr", kExpression},
                             {"exclude_clause", kPlain},
                             {"distinct", kPlain},
                             {"arg_orders", kOrder}};
// Only JSON's arrow is left of it (document -> path): no allowed function takes a lambda.
constexpr Field kArrow[] = {{"lhs", kExpression}, {"expr", kExpression}};
constexpr Field kParameter[] = {{"identifier", kPlain}};
constexpr Field kPositional[] = {{"index", kPlain}};
constexpr Field kStar[] = {
    {"relation_name", kPlain},      {"exclude_list", kPlain}, {"qualified_exclude_list", kPlain},
    {"replace_list", kReplacement}, {"rename_list", kPlain},  {"columns", kPlain},
    {"expr", kExpression}};
constexpr Field kSubqueryExpression[] = {{"subquery_type", kPlain},
                                         {"subquery", kStatement},
                                         {"child", kExpression},
                                         {"comparison_type", kPlain}};

// What stands in FROM. kTableCommon's fields are those of all.
constexpr Field kTableCommon[] = {
    {"type", kPlain}, {"alias", kPlain}, {"sample", kPlain}, {"query_location", kPlain}};
// No at_clause: a run reads the snapshots that it pinned.
constexpr Field kBaseTable[] = {{"schema_name", kPlain},
                                {"table_name", kPlain},
                                {"column_name_alias", kPlain},
                                {"catalog_name", kPlain}};
constexpr Field kJoin[] = {{"left", kTable},           {"right", kTable},
                           {"condition", kExpression}, {"join_type", kPlain},
                           {"ref_type", kPlain},       {"using_columns", kPlain},
                           {"delim_flipped", kPlain}};
constexpr Field kSubquery[] = {{"subquery", kStatement}, {"column_name_alias", kPlain}};
constexpr Field kTableFunction[] = {
    {"function", kExpression}, {"column_name_alias", kPlain}, {"with_ordinality", kPlain}};
constexpr Field kExpressionList[] = {
    {"expected_names", kPlain}, {"expected_types", kType}, {"values", kExpression}};
// Static PIVOT and UNPIVOT only: values that are written down, no subquery and no enum.
constexpr Field kPivot[] = {{"source", kTable},        {"aggregates", kExpression},
                            {"unpivot_names", kPlain}, {"pivots", kPivotColumn},
                            {"groups", kPlain},        {"column_name_alias", kPlain},
                            {"include_nulls", kPlain}};

// Queries.
constexpr Field kQueryCommon[] = {{"type", kPlain}, {"modifiers", kModifier}, {"cte_map", kCteMap}};
constexpr Field kSelect[] = {{"select_list", kExpression},  {"from_table", kTable},
                             {"where_clause", kExpression}, {"group_expressions", kExpression},
                             {"group_sets", kPlain},        {"aggregate_handling", kPlain},
                             {"having", kExpression},       {"sample", kPlain},
                             {"qualify", kExpression}};
constexpr Field kSetOperation[] = {
    {"setop_type", kPlain}, {"left", kQuery}, {"right", kQuery}, {"setop_all", kPlain}};
constexpr Field kRecursive[] = {{"cte_name", kPlain},
                                {"union_all", kPlain},
                                {"left", kQuery},
                                {"right", kQuery},
                                {"aliases", kPlain},
                                {"key_targets", kExpression},
                                {"payload_aggregates", kExpression}};

constexpr Field kTyped[] = {{"type", kPlain}};
constexpr Field kLimit[] = {{"limit", kExpression}, {"offset", kExpression}};
constexpr Field kDistinct[] = {{"distinct_on_targets", kExpression}};
constexpr Field kOrderBy[] = {{"orders", kOrder}};

// Records.
constexpr Field kStatementRecord[] = {{"node", kQuery}, {"named_param_map", kPlain}};
constexpr Field kCteMapRecord[] = {{"map", kCteEntry}};
constexpr Field kCteEntryRecord[] = {{"key", kPlain}, {"value", kCte}};
constexpr Field kCteRecord[] = {{"aliases", kPlain},
                                {"query", kStatement},
                                {"materialized", kPlain},
                                {"key_targets", kExpression},
                                {"payload_aggregates", kExpression}};
constexpr Field kOrderRecord[] = {
    {"type", kPlain}, {"null_order", kPlain}, {"expression", kExpression}};
constexpr Field kCaseCheckRecord[] = {{"when_expr", kExpression}, {"then_expr", kExpression}};
constexpr Field kReplacementRecord[] = {{"key", kPlain}, {"value", kExpression}};
constexpr Field kPivotColumnRecord[] = {
    {"pivot_expressions", kExpression}, {"unpivot_names", kPlain}, {"entries", kPivotEntry}};
constexpr Field kPivotEntryRecord[] = {
    {"values", kPlain}, {"star_expr", kExpression}, {"alias", kPlain}};
constexpr Field kTypeRecord[] = {{"id", kPlain}, {"type_info", kTypeInfo}};
// No alias (it would rename one type to another), no modifiers, no catalog or schema.
constexpr Field kTypeInfoRecord[] = {
    {"type", kPlain},      {"width", kPlain},           {"scale", kPlain}, {"collation", kPlain},
    {"child_type", kType}, {"child_types", kTypeChild}, {"size", kPlain},  {"name", kPlain}};
constexpr Field kTypeChildRecord[] = {{"first", kPlain}, {"second", kType}};

constexpr Shape kShapes[] = {
    {kExpression, "COLUMN_REF", kColumnRef},
    {kExpression, "CONSTANT", kConstant},
    {kExpression, "FUNCTION", kFunction},
    {kExpression, "COMPARISON", kComparison},
    {kExpression, "CONJUNCTION", kChildren},
    {kExpression, "OPERATOR", kChildren},
    {kExpression, "CAST", kCast},
    {kExpression, "CASE", kCase},
    {kExpression, "BETWEEN", kBetween},
    {kExpression, "STAR", kStar},
    {kExpression, "PARAMETER", kParameter},
    {kExpression, "SUBQUERY", kSubqueryExpression},
    {kExpression, "WINDOW", kWindow},
    {kExpression, "COLLATE", kCollate},
    {kExpression, "LAMBDA", kArrow},
    {kExpression, "POSITIONAL_REFERENCE", kPositional},
    {kTable, "BASE_TABLE", kBaseTable},
    {kTable, "JOIN", kJoin},
    {kTable, "SUBQUERY", kSubquery},
    {kTable, "EMPTY", {}},
    {kTable, "TABLE_FUNCTION", kTableFunction},
    {kTable, "EXPRESSION_LIST", kExpressionList},
    {kTable, "PIVOT", kPivot},
    {kQuery, "SELECT_NODE", kSelect},
    {kQuery, "SET_OPERATION_NODE", kSetOperation},
    {kQuery, "RECURSIVE_CTE_NODE", kRecursive},
    {kModifier, "ORDER_MODIFIER", kOrderBy},
    {kModifier, "LIMIT_MODIFIER", kLimit},
    {kModifier, "LIMIT_PERCENT_MODIFIER", kLimit},
    {kModifier, "DISTINCT_MODIFIER", kDistinct},
    {kType, "", kTypeRecord},
    {kStatement, "", kStatementRecord},
    {kCteMap, "", kCteMapRecord},
    {kCteEntry, "", kCteEntryRecord},
    {kCte, "", kCteRecord},
    {kOrder, "", kOrderRecord},
    {kCaseCheck, "", kCaseCheckRecord},
    {kReplacement, "", kReplacementRecord},
    {kPivotColumn, "", kPivotColumnRecord},
    {kPivotEntry, "", kPivotEntryRecord},
    {kTypeInfo, "", kTypeInfoRecord},
    {kTypeChild, "", kTypeChildRecord},
};

std::span<const Field> common_fields(NodeKind kind) {
  switch (kind) {
    case kExpression:
      return kCommon;
    case kTable:
      return kTableCommon;
    case kQuery:
      return kQueryCommon;
    case kModifier:
      return kTyped;
    default:
      return {};
  }
}

const Field* find_in(std::span<const Field> fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

constexpr struct {
  std::string_view tag;
  std::string_view spoken;
} kSpoken[] = {
    {"SHOW_REF", "SHOW, DESCRIBE or SUMMARIZE"},
    {"at_clause", "AT (time travel)"},
    {"DEFAULT", "DEFAULT"},
    {"pivot_enum", "PIVOT over an enum"},
    {"subquery", "PIVOT over a subquery"},
    {"user_type_modifiers", "a type with arguments"},
    {"schema", "a type of another schema"},
};

}  // namespace

std::string_view tag_key(NodeKind kind) {
  switch (kind) {
    case kExpression:
      return "class";
    case kTable:
    case kQuery:
    case kModifier:
      return "type";
    default:
      return {};
  }
}

const Shape* find_shape(NodeKind kind, std::string_view tag) {
  for (const Shape& shape : kShapes) {
    if (shape.kind == kind && shape.tag == tag) return &shape;
  }
  return nullptr;
}

const Field* find_field(const Shape& shape, std::string_view name) {
  if (const Field* field = find_in(shape.fields, name)) return field;
  return find_in(common_fields(shape.kind), name);
}

std::string_view spoken_name(std::string_view tag_or_field) {
  for (const auto& [tag, spoken] : kSpoken) {
    if (tag == tag_or_field) return spoken;
  }
  return tag_or_field;
}

}  // namespace millrace::sql
