#include "lib/postgres/sql_failure.h"

#include <algorithm>
#include <pqxx/except>
#include <string_view>

namespace millrace::postgres {
namespace {

// Classes of SQLSTATE (appendix A of Postgres's manual), first match wins.
struct Rule {
  std::string_view prefix;
  SqlTrouble trouble;
};
constexpr Rule kRules[] = {
    {"23505", SqlTrouble::kTaken},
    {"40003", SqlTrouble::kLost},    // statement completion unknown
    {"40", SqlTrouble::kPasses},     // serialization failure, deadlock
    {"53", SqlTrouble::kPasses},     // disk full, too many connections, out of memory
    {"55P03", SqlTrouble::kPasses},  // lock not available
    // Cancelled, or shut down by an administrator. A wait for a standby that is cancelled so has
    // committed locally already: that comes as a warning and a success, so what fails here did
    // nothing.
    {"57", SqlTrouble::kPasses},
    {"58", SqlTrouble::kPasses},     // the server's own input and output
    {"08", SqlTrouble::kLost},       // connection
    {"25006", SqlTrouble::kPasses},  // read only: a standby, before it is promoted
    {"25P03", SqlTrouble::kLost},    // idle in transaction for too long: the session is ended
};

// What libpq asks back ("\tIs the server running locally …?") is left out: it explains nothing.
std::string one_line(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty() || (part.starts_with('\t') && part.ends_with('?'))) continue;
    if (!line.empty()) line += ' ';
    for (const char c : part) line += c == '\t' ? ' ' : c;
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

}  // namespace

SqlFailure sql_failure(const std::exception& exception) {
  SqlFailure failure;
  failure.message = one_line(exception.what());
  if (const auto* sql = dynamic_cast<const pqxx::sql_error*>(&exception)) {
    failure.sqlstate = sql->sqlstate();
    for (const Rule& rule : kRules) {
      if (!std::string_view(failure.sqlstate).starts_with(rule.prefix)) continue;
      failure.trouble = rule.trouble;
      return failure;
    }
    // A query that got no answer, for the connection broke, has no state.
    if (failure.sqlstate.empty()) failure.trouble = SqlTrouble::kLost;
    return failure;
  }
  if (dynamic_cast<const pqxx::unique_violation*>(&exception) != nullptr) {
    failure.trouble = SqlTrouble::kTaken;
  } else if (dynamic_cast<const pqxx::usage_error*>(&exception) == nullptr &&
             dynamic_cast<const pqxx::conversion_error*>(&exception) == nullptr) {
    // broken_connection, in_doubt_error, and whatever else libpqxx throws when the server goes
    // away.
    failure.trouble = SqlTrouble::kLost;
  }
  return failure;
}

Error SqlFailure::to_error() const {
  if (sqlstate == "53100") {
    return Error{ErrorClass::kResource, "postgres.disk_full", message, "make room for Postgres",
                 ""};
  }
  if (trouble == SqlTrouble::kLost || trouble == SqlTrouble::kPasses) {
    return Error{ErrorClass::kTransient, "postgres.unavailable", message};
  }
  return Error{ErrorClass::kInfrastructure, "postgres.refused", message};
}

}  // namespace millrace::postgres
