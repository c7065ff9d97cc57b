#include "lib/sql/tree_walk.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "lib/sql/argument_check.h"
#include "lib/sql/error_place.h"
#include "lib/sql/functions.h"
#include "lib/sql/limits.h"
#include "lib/sql/tree_shape.h"

namespace millrace::sql {
namespace {

using nlohmann::json;

std::string in_quotes(std::string_view name) { return "\"" + std::string(name) + "\""; }

bool is_plain_name(std::string_view name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// The engine answers these names itself where no table has them: its settings, files, catalog.
bool is_engine_name(std::string_view name) {
  return name.starts_with("duckdb_") || name.starts_with("pg_") || name.starts_with("sqlite_") ||
         name.starts_with("pragma_");
}

// The member, or nullptr.
const json* member(const json& node, std::string_view key) {
  const auto found = node.find(key);
  return found == node.end() ? nullptr : &*found;
}

std::string text_of(const json& node, std::string_view key) {
  const json* value = member(node, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

Argument argument_of(const json& node) {
  Argument argument;
  const json* value =
      node.is_object() && text_of(node, "class") == "CONSTANT" ? member(node, "value") : nullptr;
  if (value == nullptr || !value->is_object()) return argument;
  if (const json* literal = member(*value, "value"); literal != nullptr) {
    // An unsigned number beyond int64 would wrap around; none of the rules lets one that large
    // pass.
    if (literal->is_number_unsigned()) {
      const auto number = literal->get<std::uint64_t>();
      if (number <= std::uint64_t{INT64_MAX}) argument.number = static_cast<std::int64_t>(number);
    } else if (literal->is_number_integer()) {
      argument.number = literal->get<std::int64_t>();
    }
    if (literal->is_string()) argument.text = literal->get<std::string>();
  }
  return argument;
}

class Walk {
 public:
  explicit Walk(const SourceMap& source) : source_(source) {}

  Result<Statement> run(const json& statement) {
    MILLRACE_RETURN_IF_ERROR(walk(NodeKind::kStatement, statement));
    if (const json* node = member(statement, "node"); node != nullptr) {
      statement_.ordered = has_order(*node);
    }
    const auto by_position = [](const auto& a, const auto& b) { return a.position < b.position; };
    std::stable_sort(statement_.tables.begin(), statement_.tables.end(), by_position);
    std::stable_sort(statement_.functions.begin(), statement_.functions.end(), by_position);
    std::stable_sort(statement_.parameters.begin(), statement_.parameters.end(), by_position);
    return std::move(statement_);
  }

 private:
  Position place() const { return source_.at_engine_byte(place_); }

  Error error(ErrorClass error_class, std::string code, std::string message) const {
    return placed(Error{error_class, std::move(code), std::move(message)}, place());
  }
  Error refused(std::string code, std::string message) const {
    return error(ErrorClass::kPolicy, std::move(code), std::move(message));
  }
  [[gnu::noinline]] Error malformed(const char* what) const {
    return Error{ErrorClass::kInfrastructure, "sql.tree_malformed",
                 "the parser's answer is no syntax tree: " + std::string(what)};
  }
  [[gnu::noinline]] Error node_refused(std::string_view what) const {
    return refused("sql.node_refused",
                   std::string(spoken_name(what)) + " is not allowed in a query");
  }

  [[gnu::noinline]] Error too_deep() const {
    return error(ErrorClass::kUser, "sql.too_deep", "the statement is nested too deeply")
        .hint_at("split it into tasks, or name its parts in WITH");
  }

  static bool has_order(const json& query) {
    const json* modifiers = query.is_object() ? member(query, "modifiers") : nullptr;
    if (modifiers == nullptr || !modifiers->is_array()) return false;
    return std::any_of(modifiers->begin(), modifiers->end(), [](const json& modifier) {
      return modifier.is_object() && text_of(modifier, "type") == "ORDER_MODIFIER";
    });
  }

  // `value` is a node of `kind`, or a list of them, or a list of lists.
  Status walk(NodeKind kind, const json& value) {
    if (value.is_null()) return ok_status();
    if (depth_ >= kMaxTreeDepth) {
      return too_deep();
    }
    ++depth_;
    const std::size_t outer_place = place_;
    Status status = value.is_array() ? walk_list(kind, value) : walk_node(kind, value);
    place_ = outer_place;
    --depth_;
    return status;
  }

  Status walk_list(NodeKind kind, const json& list) {
    for (const json& item : list) MILLRACE_RETURN_IF_ERROR(walk(kind, item));
    return ok_status();
  }

  Status walk_node(NodeKind kind, const json& node) {
    if (!node.is_object()) return malformed("a value where a node belongs");
    // Where the engine knows no place (all bits set), the enclosing node's stands.
    if (const json* location = member(node, "query_location");
        location != nullptr && location->is_number_unsigned() &&
        location->get<std::uint64_t>() <= kMaxTextBytes) {
      place_ = location->get<std::size_t>();
    }
    const std::string_view key = tag_key(kind);
    const std::string tag = key.empty() ? std::string() : text_of(node, key);
    const Shape* shape = find_shape(kind, tag);
    if (shape == nullptr) return node_refused(tag.empty() ? "a node without a type" : tag);
    MILLRACE_RETURN_IF_ERROR(check(*shape, node));
    if (tag == "RECURSIVE_CTE_NODE") return walk_recursive(*shape, node);
    if (kind == NodeKind::kQuery) return walk_query(*shape, node);
    if (tag == "TABLE_FUNCTION") return walk_table_function(*shape, node);
    return walk_fields(*shape, node, {});
  }

  // All fields but `done`.
  Status walk_fields(const Shape& shape, const json& node, const std::set<std::string_view>& done) {
    for (const auto& [name, value] : node.items()) {
      const Field* field = find_field(shape, name);
      if (field == nullptr) return node_refused(name);
      if (field->holds == NodeKind::kPlain || done.contains(field->name)) continue;
      MILLRACE_RETURN_IF_ERROR(walk(field->holds, value));
    }
    return ok_status();
  }

  // WITH's names, one after the other: a name is in scope for those after it and for the query, not
  // for its own definition.
  Status walk_query(const Shape& shape, const json& node) {
    std::vector<std::string> names;
    Status status = walk_ctes(node, names);
    if (status.ok()) status = walk_fields(shape, node, {"cte_map"});
    for (const std::string& name : names) leave_scope(name);
    return status;
  }

  [[gnu::noinline]] Status walk_ctes(const json& query, std::vector<std::string>& names) {
    const json* map = member(query, "cte_map");
    if (map == nullptr || map->is_null()) return ok_status();
    if (!map->is_object()) return malformed("WITH is no map");
    const json* entries = member(*map, "map");
    if (entries == nullptr || map->size() != 1 || !entries->is_array()) {
      return malformed("WITH has no list of names");
    }
    for (const json& entry : *entries) {
      if (!entry.is_object()) return malformed("WITH has a name that is no entry");
      std::string name = folded(text_of(entry, "key"));
      MILLRACE_RETURN_IF_ERROR(check_name(name, "a name in WITH"));
      MILLRACE_RETURN_IF_ERROR(walk(NodeKind::kCteEntry, entry));
      ++in_scope_[name];
      names.push_back(std::move(name));
    }
    return ok_status();
  }

  // The first half of a recursive CTE reads what was there before it; only the second reads the
  // CTE.
  [[gnu::noinline]] Status walk_recursive(const Shape& shape, const json& node) {
    std::vector<std::string> names;
    Status status = walk_ctes(node, names);
    if (const json* left = member(node, "left"); status.ok() && left != nullptr) {
      status = walk(NodeKind::kQuery, *left);
    }
    names.push_back(folded(text_of(node, "cte_name")));
    ++in_scope_[names.back()];
    if (status.ok()) status = walk_fields(shape, node, {"cte_map", "left"});
    for (const std::string& name : names) leave_scope(name);
    return status;
  }

  void leave_scope(const std::string& name) {
    const auto found = in_scope_.find(name);
    if (--found->second == 0) in_scope_.erase(found);
  }

  [[gnu::noinline]] Status walk_table_function(const Shape& shape, const json& node) {
    const json* call = member(node, "function");
    if (call == nullptr || !call->is_object() || text_of(*call, "class") != "FUNCTION") {
      return node_refused("a call in FROM that is none of a function");
    }
    const std::string name = folded(text_of(*call, "function_name"));
    if (!table_function_allowed(name) || !own_schema(*call)) {
      const std::string_view reason = refusal_reason(name);
      return refused("sql.table_function_refused",
                     "the function " + in_quotes(name) + " is not allowed in FROM" +
                         (reason.empty() ? "" : ": " + std::string(reason)))
          .hint_at("read a dataset by its name; range, generate_series and unnest make rows");
    }
    MILLRACE_RETURN_IF_ERROR(
        walk_fields(*find_shape(NodeKind::kExpression, "FUNCTION"), *call, {}));
    statement_.functions.push_back({.name = name, .position = place()});
    return walk_fields(shape, node, {"function"});
  }

  // Not inlined, nor what follows from it: its temporaries would be in every frame of the
  // recursion.
  [[gnu::noinline]] Status check(const Shape& shape, const json& node) {
    if (shape.tag == "BASE_TABLE") return check_table(node);
    if (shape.tag == "FUNCTION" || shape.tag == "WINDOW") return check_function(node);
    if (shape.tag == "PARAMETER") return check_parameter(node);
    if (shape.kind == NodeKind::kType) return check_type(node);
    return ok_status();
  }

  Status check_name(const std::string& name, const std::string& what) const {
    if (!is_plain_name(name)) {
      return error(ErrorClass::kUser, "sql.table_name", in_quotes(name) + " is not " + what)
          .hint_at(
              "names are a letter, then letters, digits and _; files cannot be read in a query");
    }
    if (is_engine_name(name)) {
      return error(ErrorClass::kUser, "sql.table_name",
                   in_quotes(name) + " is a name of the query engine's own")
          .hint_at("choose a name that does not begin with duckdb_, pg_, pragma_ or sqlite_");
    }
    return ok_status();
  }

  Status check_table(const json& node) {
    std::string name = folded(text_of(node, "table_name"));
    const std::string schema = text_of(node, "schema_name");
    if (!schema.empty() || !text_of(node, "catalog_name").empty()) {
      return error(ErrorClass::kUser, "sql.table_name",
                   in_quotes(folded(schema) + "." + name) + " is not the name of a dataset")
          .hint_at("write the dataset's name alone");
    }
    MILLRACE_RETURN_IF_ERROR(check_name(name, "the name of a dataset"));
    if (!in_scope_.contains(name)) {
      statement_.tables.push_back({.name = std::move(name), .position = place()});
    }
    return ok_status();
  }

  // The parser writes "main" itself for functions behind syntax ({'a': 1} is main.struct_pack).
  static bool own_schema(const json& call) {
    const std::string schema = folded(text_of(call, "schema"));
    return (schema.empty() || schema == "main") && text_of(call, "catalog").empty();
  }

  Status check_function(const json& node) {
    const std::string name = folded(text_of(node, "function_name"));
    if (!own_schema(node)) {
      return refused("sql.function_refused", "a function may not be called through " +
                                                 in_quotes(folded(text_of(node, "schema"))))
          .hint_at("write " + name +
                   "(…), with what stands before the point as its first argument");
    }
    if (!function_allowed(name)) return function_error(name);
    if (const json* state = member(node, "export_state");
        state != nullptr && *state != json(false)) {
      return node_refused("EXPORT_STATE");
    }
    if (const ArgumentRule* rule = argument_rule(name)) {
      std::vector<Argument> arguments;
      if (const json* children = member(node, "children");
          children != nullptr && children->is_array()) {
        for (const json& child : *children) arguments.push_back(argument_of(child));
      }
      if (Status status = check_arguments(*rule, arguments); !status.ok()) {
        return placed(std::move(status).error(), place());
      }
    }
    const json* is_operator = member(node, "is_operator");
    if (is_operator == nullptr || *is_operator != json(true)) {
      statement_.functions.push_back({.name = name, .position = place()});
    }
    return ok_status();
  }

  Error function_error(const std::string& name) const {
    if (const std::string_view reason = refusal_reason(name); !reason.empty()) {
      return refused("sql.function_refused",
                     "the function " + in_quotes(name) + " is not allowed: " + std::string(reason));
    }
    Error unknown =
        error(ErrorClass::kUser, "sql.function_unknown", "no function " + in_quotes(name));
    const std::string_view nearest = nearest_function(name);
    if (nearest.empty()) return unknown;
    return std::move(unknown).hint_at("did you mean " + in_quotes(nearest) + "?");
  }

  Status check_parameter(const json& node) {
    const std::string name = text_of(node, "identifier");
    const std::optional<Position> found = source_.parameter(name);
    const std::optional<Position> mark = found ? std::nullopt : source_.question_mark(name);
    const Position position = found ? *found : mark.value_or(place());
    if (!is_plain_name(name)) {
      return placed(Error{ErrorClass::kUser, "sql.parameter",
                          mark ? std::string("parameters have names, and \"?\" has none")
                               : "parameters have names: \"$" + name + "\" is not $ and a name"},
                    position)
          .hint_at("write $name, in lower case, for a parameter called \"name\"");
    }
    if (parameters_seen_.insert(name).second) {
      statement_.parameters.push_back({.name = name, .position = position});
    }
    return ok_status();
  }

  // A type the parser leaves to a look-up has id UNBOUND and its name in type_info; an alias there
  // makes a type of another (GEOMETRY is an aliased BLOB), so it is judged by the alias.
  Status check_type(const json& node) const {
    const std::string id = text_of(node, "id");
    const json* info = member(node, "type_info");
    const bool has_info = info != nullptr && info->is_object();
    std::string name = has_info ? text_of(*info, "alias") : std::string();
    if (name.empty()) {
      if (id != "UNBOUND" && type_allowed(id)) return ok_status();
      name = id == "UNBOUND" && has_info ? text_of(*info, "name") : id;
    }
    name = folded(name);
    if (named_type_allowed(name) && text_of(*info, "schema").empty()) return ok_status();
    return refused("sql.type_refused", "the type " + in_quotes(name) + " is not allowed");
  }

  const SourceMap& source_;
  Statement statement_;
  std::map<std::string, int, std::less<>> in_scope_;  // CTE name → how many of its scopes are open
  std::set<std::string, std::less<>> parameters_seen_;
  std::size_t place_ = 0;  // as the engine counts
  int depth_ = 0;
};

}  // namespace

Result<Statement> walk_statement(const nlohmann::json& statement, const SourceMap& source) {
  return Walk(source).run(statement);
}

}  // namespace millrace::sql
