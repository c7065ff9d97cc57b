#include "scheduler/api/testing/fake_sql.h"

namespace millrace::api {

Result<sql::Statement> fake_analyze(const std::string& text) {
  if (text == "syntax error")
    return Error{ErrorClass::kUser, "sql.syntax", "syntax error at or near \"syntax\"", "", "1:1"};
  if (text == "no parser")
    return Error{ErrorClass::kInfrastructure, "sql.parser_unavailable", "the parser does not start",
                 ""};
  sql::Statement statement;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool table = (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\n') &&
                       (text.compare(i, 5, "FROM ") == 0 || text.compare(i, 5, "JOIN ") == 0);
    if (!table && text[i] != '$') continue;
    const std::size_t start = i + (table ? 5 : 1);
    std::size_t end = start;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::string name = text.substr(start, end - start);
    if (table) statement.tables.push_back({name, {.offset = start}});
    if (!table) statement.parameters.push_back({name, {.offset = i}});
  }
  return statement;
}

}  // namespace millrace::api
