#include "scheduler/api/query_request.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "manifest/nearest.h"
#include "manifest/quantity.h"
#include "scheduler/api/body.h"
#include "scheduler/api/json.h"

namespace millrace::api {
namespace {

using manifest::in_quotes;
using manifest::user_error;

constexpr std::size_t kMaxSqlBytes = 256 << 10;
constexpr Micros kMinQueryTimeout = milliseconds(100);

manifest::Problem problem_in_sql(Error error, const sql::Position& position) {
  manifest::Problem problem = problem_at(std::move(error), "/sql");
  problem.line = position.line;
  problem.column = position.column;
  return problem;
}

void read_sql(const Json& value, ReadQuery& read) {
  if (!value.is_string())
    return read.problems.push_back(
        problem_at(user_error("value.type", "a text is wanted"), "/sql"));
  read.query.sql = value.get<std::string>();
  if (read.query.sql.empty() || read.query.sql.size() > kMaxSqlBytes)
    read.problems.push_back(problem_at(
        user_error("value.length", "a statement of 1 to 262144 bytes is wanted"), "/sql"));
}

void read_max_rows(const Json& value, ReadQuery& read) {
  const bool whole = value.is_number_integer() &&
                     (!value.is_number_unsigned() || value.get<std::uint64_t>() <= kMaxQueryRows);
  if (!whole || value.get<std::int64_t>() < 1 || value.get<std::int64_t>() > kMaxQueryRows)
    return read.problems.push_back(problem_at(
        user_error("value.range", "a whole number from 1 to 1000000 is wanted"), "/maxRows"));
  read.query.max_rows = value.get<std::int64_t>();
}

void read_timeout(const Json& value, ReadQuery& read) {
  const auto parsed = value.is_string()
                          ? manifest::parse_duration(value.get_ref<const std::string&>())
                          : Result<Micros>(user_error("value.type", ""));
  if (!parsed.ok() || *parsed < kMinQueryTimeout || *parsed > kMaxQueryTimeout)
    return read.problems.push_back(problem_at(
        user_error("value.duration", "a duration from 100ms to 10m is wanted", "write it as 30s"),
        "/timeout"));
  read.query.timeout = *parsed;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Thousandths: "0.5" is 500. What is no weight counts as none given.
int weight_of(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return 1000;
  std::string_view text = trimmed(parameters.substr(at + 2));
  int weight = 0;
  int unit = 1000;
  for (const char c : text.substr(0, text.find(';'))) {
    if (c == '.') continue;
    if (c < '0' || c > '9') return 1000;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight;
}

std::optional<manifest::RowFormat> format_of_type(std::string_view type) {
  if (type == "*/*" || type == "application/*" || type == "application/json")
    return manifest::RowFormat::kJson;
  if (type == "text/*" || type == "text/csv") return manifest::RowFormat::kCsv;
  return std::nullopt;
}

// "no column \"x\" (mend the statement)": what an attempt's failure was made of.
void take_hint(Error& error) {
  const std::size_t begin = error.message.rfind(" (");
  if (begin == std::string::npos || !error.message.ends_with(')')) return;
  error.hint = error.message.substr(begin + 2, error.message.size() - begin - 3);
  error.message.resize(begin);
}

}  // namespace

Result<ReadQuery> read_query(const http::Request& request) {
  MILLRACE_TRY(body, json_body(request));
  ReadQuery read;
  std::vector<manifest::ParameterValue> parameters;
  const std::vector<std::string> known = {"sql", "parameters", "maxRows", "timeout"};
  for (const auto& [field, value] : body.items()) {
    if (field == "sql")
      read_sql(value, read);
    else if (field == "parameters")
      read_parameters(value, parameters, read.problems);
    else if (field == "maxRows")
      read_max_rows(value, read);
    else if (field == "timeout")
      read_timeout(value, read);
    else
      read.problems.push_back(
          problem_at(user_error("field.unknown", "unknown field " + in_quotes(field),
                                manifest::meant_hint(field, known)),
                     manifest::pointer_step(field)));
  }
  if (!body.contains("sql"))
    read.problems.push_back(
        problem_at(user_error("field.missing", "sql is missing", "give the statement"), ""));
  for (manifest::ParameterValue& parameter : parameters)
    read.query.parameters.emplace(std::move(parameter.name), std::move(parameter.value));
  return read;
}

Result<manifest::RowFormat> row_format_of(std::string_view accept) {
  if (trimmed(accept).empty()) return manifest::RowFormat::kJson;
  std::optional<manifest::RowFormat> best;
  int best_weight = 0;
  for (std::string_view rest = accept; !rest.empty();) {
    const std::size_t comma = rest.find(',');
    const std::string_view range = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    const std::size_t semicolon = range.find(';');
    const auto format = format_of_type(trimmed(range.substr(0, semicolon)));
    const int weight =
        semicolon == std::string_view::npos ? 1000 : weight_of(range.substr(semicolon + 1));
    if (!format || weight <= best_weight) continue;
    best = format;
    best_weight = weight;
  }
  if (best) return *best;
  return Error{ErrorClass::kUser, "request.not_acceptable",
               "rows come as application/json or text/csv, and the request takes neither",
               "mend its Accept header"};
}

manifest::Problem sql_problem(Error error) {
  if (const auto at = sql::error_position(error)) {
    error.path.clear();
    return problem_in_sql(std::move(error), *at);
  }
  // An attempt's failure has one text, which begins with the place.
  constexpr std::string_view kAt = "at ";
  if (const std::size_t end = error.message.find(": ");
      error.message.starts_with(kAt) && end != std::string::npos) {
    const Error place{ErrorClass::kUser, "", "", "",
                      error.message.substr(kAt.size(), end - kAt.size())};
    if (const auto at = sql::error_position(place)) {
      error.message.erase(0, end + 2);
      take_hint(error);
      return problem_in_sql(std::move(error), *at);
    }
  }
  return problem_at(std::move(error), "/sql");
}

manifest::Problems parameter_problems(const QueryRequest& query, const sql::Statement& statement) {
  manifest::Problems problems;
  std::vector<std::string> used;
  for (const sql::ParameterUse& parameter : statement.parameters) {
    used.push_back(parameter.name);
    if (!query.parameters.contains(parameter.name))
      problems.push_back(problem_in_sql(
          user_error("query.parameter_missing", "$" + parameter.name + " has no value",
                     "give parameter " + parameter.name),
          parameter.position));
  }
  for (const auto& [name, value] : query.parameters)
    if (std::ranges::find(used, name) == used.end())
      problems.push_back(
          problem_at(user_error("query.parameter_unused", "the statement does not use $" + name,
                                manifest::meant_hint(name, used)),
                     "/parameters" + manifest::pointer_step(name)));
  return problems;
}

manifest::Problems dataset_problems(const sql::Statement& statement,
                                    const std::vector<std::string>& known) {
  manifest::Problems problems;
  std::set<std::string> named;
  for (const sql::TableUse& table : statement.tables) {
    if (std::ranges::find(known, table.name) != known.end()) continue;
    if (!named.insert(table.name).second) continue;  // once is enough
    problems.push_back(
        problem_in_sql(user_error("dataset.unknown", "no dataset named " + in_quotes(table.name),
                                  manifest::meant_hint(table.name, known)),
                       table.position));
  }
  return problems;
}

}  // namespace millrace::api
