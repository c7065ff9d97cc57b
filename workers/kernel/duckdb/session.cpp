#include "workers/kernel/duckdb/session.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "lib/sql/limits.h"

namespace millrace::kernel {
namespace {

Error unavailable(const std::string& message) {
  return Error{ErrorClass::kInfrastructure, "engine.unavailable", message};
}

constexpr struct {
  const char* name;
  const char* value;
} kSettings[] = {
    {"threads", "1"},  // until there is a grant
    {"autoinstall_known_extensions", "false"},
    {"autoload_known_extensions", "false"},
    {"allow_community_extensions", "false"},
    // Rows of a text file need no order, and keeping one would write with one thread.
    {"preserve_insertion_order", "false"},
};

// "Binder Error: …\n\nLINE 1: …\n   ^" → the first paragraph, without the kind. What follows is an
// excerpt of the statement, or advice about settings that nobody here may change.
std::string spoken(std::string_view message) {
  message = message.substr(0, message.find("\n\n"));
  const std::size_t colon = message.find(" Error: ");
  if (colon < 40) message.remove_prefix(colon + 8);
  return std::string(message);
}

// Of errors that come as a text alone.
duckdb_error_type type_of(std::string_view message) {
  constexpr struct {
    std::string_view kind;
    duckdb_error_type type;
  } kKinds[] = {
      {"INTERRUPT", DUCKDB_ERROR_INTERRUPT},   {"Out of Memory", DUCKDB_ERROR_OUT_OF_MEMORY},
      {"Permission", DUCKDB_ERROR_PERMISSION}, {"IO", DUCKDB_ERROR_IO},
      {"INTERNAL", DUCKDB_ERROR_INTERNAL},     {"FATAL", DUCKDB_ERROR_FATAL},
      {"Parser", DUCKDB_ERROR_PARSER},         {"Syntax", DUCKDB_ERROR_SYNTAX},
      {"Binder", DUCKDB_ERROR_BINDER},         {"Catalog", DUCKDB_ERROR_CATALOG}};
  const std::string_view kind = message.substr(0, message.find(" Error: "));
  for (const auto& known : kKinds)
    if (kind == known.kind) return known.type;
  return DUCKDB_ERROR_INVALID;
}

// "3:14", the line and column in `sql` that an error of the engine points at, or "":
//
//   Binder Error: Referenced column "x" not found …\n\nLINE 3: SELECT y, x FROM t\n ^
//
// A long line is shown in part, between dots.
std::string place_in(std::string_view message, std::string_view sql) {
  constexpr std::string_view kLine = "LINE ";
  constexpr std::string_view kDots = "...";
  const std::size_t begin = message.rfind(kLine);
  if (begin == std::string_view::npos) return "";
  const std::string_view excerpt = message.substr(begin);
  const std::size_t text = excerpt.find(": ");
  const std::size_t end = excerpt.find('\n');
  const std::size_t caret = excerpt.find('^', end == std::string_view::npos ? 0 : end);
  if (end == std::string_view::npos || caret == std::string_view::npos || text > end) return "";
  const std::string line(excerpt.substr(kLine.size(), text - kLine.size()));
  std::string_view shown = excerpt.substr(text + 2, end - text - 2);
  if (caret - end - 1 < text + 2) return "";
  std::size_t column = caret - end - 1 - (text + 2);  // in what is shown
  int number = 0;
  if (std::from_chars(line.data(), line.data() + line.size(), number).ec != std::errc()) return "";
  if (shown.starts_with(kDots)) {
    for (int skipped = 1; skipped < number; ++skipped)
      sql.remove_prefix(std::min(sql.find('\n') + 1, sql.size()));
    shown.remove_prefix(kDots.size());
    if (shown.ends_with(kDots)) shown.remove_suffix(kDots.size());
    const std::size_t at = sql.find(shown);
    if (at == std::string_view::npos || column < kDots.size()) return "";
    column += at - kDots.size();
  }
  return line + ":" + std::to_string(column + 1);
}

bool says(std::string_view message, std::string_view words) {
  return message.find(words) != std::string_view::npos;
}

std::string lower_first(std::string text) {
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

// How the engine lays values out, by the name of the type that SQL and docs/types.md have.
std::string_view sql_type_of(std::string_view layout) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"BOOL", "BOOLEAN"},   {"INT8", "TINYINT"},     {"INT16", "SMALLINT"},
      {"INT32", "INTEGER"},  {"INT64", "BIGINT"},     {"INT128", "HUGEINT"},
      {"UINT8", "UTINYINT"}, {"UINT16", "USMALLINT"}, {"UINT32", "UINTEGER"},
      {"UINT64", "UBIGINT"}, {"UINT128", "UHUGEINT"}};
  const auto* const found =
      std::ranges::find(kNames, layout, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kNames) ? layout : found->second;
}

// The message with SQL's names of types where the engine's texts have its own; what stands between
// is a person's value, and stays:
//
//   Type INT64 with value 300 can't be cast because … out of range for the destination type INT8
//   Could not convert string 'x' to INT32
//   Overflow in addition of INT8 (127 + 1)!
std::string with_sql_types(std::string text) {
  const auto rename = [&](std::size_t begin, std::size_t end) {
    const std::string_view layout = std::string_view(text).substr(begin, end - begin);
    text.replace(begin, end - begin, std::string(sql_type_of(layout)));
  };
  constexpr std::string_view kLast[] = {" destination type ", "' to "};
  for (const std::string_view lead : kLast)
    if (const std::size_t at = text.rfind(lead); at != std::string::npos)
      rename(at + lead.size(), std::min(text.find_first_of(" \n", at + lead.size()), text.size()));
  constexpr std::string_view kOverflow = "overflow in ";
  constexpr std::string_view kType = "type ";
  if (text.starts_with(kType))
    rename(kType.size(), std::min(text.find(' ', kType.size()), text.size()));
  if (const std::size_t at = text.find(" of ");
      text.starts_with(kOverflow) && at != std::string::npos)
    rename(at + 4, std::min(text.find(' ', at + 4), text.size()));
  return text;
}

constexpr std::string_view kStopped = "task.cancelled";
constexpr std::string_view kInterrupted = "engine.interrupted";

// The error, which is of an interrupt only where somebody asked for one.
Error unless_unasked(Error error, const std::stop_token& stop) {
  if (error.code != kStopped || stop.stop_requested()) return error;
  return {ErrorClass::kTransient, std::string(kInterrupted),
          "a part of the statement failed and ended the others before it could tell why",
          "run it again"};
}

}  // namespace

std::string sql_literal(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) literal.append(c == '\'' ? 2 : 1, c);
  return literal + "'";
}

std::string sql_identifier(std::string_view name) {
  std::string identifier = "\"";
  for (const char c : name) identifier.append(c == '"' ? 2 : 1, c);
  return identifier + "\"";
}

std::string sql_list(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) {
    if (list.size() > 1) list += ", ";
    list += sql_literal(text);
  }
  return list + "]";
}

std::string read_parquet(const std::vector<std::string>& files) {
  return "read_parquet(" + sql_list(files) + ")";
}

std::string taken(char* text) {
  std::string copy = text == nullptr ? "" : text;
  duckdb_free(text);
  return copy;
}

Error engine_error(duckdb_error_type type, std::string_view message, Author author) {
  const std::string text = with_sql_types(lower_first(spoken(message)));
  if (says(message, "No space left on device"))
    return Error{ErrorClass::kResource, "disk.full", text, "make room on the disk that holds it"};
  if (says(message, "max_temp_directory_size"))
    return Error{ErrorClass::kResource, "disk.exceeded", text.substr(0, text.find('\n')),
                 "raise resources.disk of the task"};
  if (says(message, "allocation failure")) type = DUCKDB_ERROR_OUT_OF_MEMORY;
  switch (type) {
    case DUCKDB_ERROR_INTERRUPT:
      return Error{ErrorClass::kTransient, std::string(kStopped), "the task was stopped"};
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return Error{ErrorClass::kResource, "engine.out_of_memory", text,
                   "grant the task more memory by resources"};
    case DUCKDB_ERROR_PERMISSION:
      return Error{ErrorClass::kPolicy, "engine.refused", text};
    case DUCKDB_ERROR_IO:
      return Error{ErrorClass::kInfrastructure, "engine.io", text};
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_FATAL:
      return Error{ErrorClass::kInfrastructure, "engine.internal", text};
    default:
      break;
  }
  if (author == Author::kOurs) return Error{ErrorClass::kInfrastructure, "engine.failed", text};
  switch (type) {
    case DUCKDB_ERROR_PARSER:
    case DUCKDB_ERROR_SYNTAX:
    case DUCKDB_ERROR_BINDER:
    case DUCKDB_ERROR_CATALOG:
    case DUCKDB_ERROR_PARAMETER_NOT_RESOLVED:
    case DUCKDB_ERROR_PARAMETER_NOT_ALLOWED:
      return Error{ErrorClass::kUser, "query.invalid", text, "mend the statement"};
    default:
      return Error{ErrorClass::kUser, "query.failed", text, "mend the statement or its data"};
  }
}

bool is_unasked(const Error& error) { return error.code == kInterrupted; }

Result<Chunk> fetch_rows(ResultSet& rows, Author author, const std::stop_token& stop) {
  if (stop.stop_requested()) return engine_error(DUCKDB_ERROR_INTERRUPT, "", author);
  Chunk chunk(duckdb_fetch_chunk(*rows.get()));
  const char* const message = chunk.get() == nullptr ? duckdb_result_error(rows.get()) : nullptr;
  if (message != nullptr && *message != '\0')
    return unless_unasked(engine_error(duckdb_result_error_type(rows.get()), message, author),
                          stop);
  return chunk;
}

Result<std::unique_ptr<Session>> Session::open() {
  if (const std::string_view version = duckdb_library_version(); version != sql::kEngineVersion)
    return unavailable("libduckdb is " + std::string(version) + ", not " + sql::kEngineVersion);
  Config config;
  if (duckdb_create_config(config.out()) == DuckDBError)
    return unavailable("libduckdb gives no config");
  for (const auto& [name, value] : kSettings)
    if (duckdb_set_config(config.get(), name, value) == DuckDBError)
      return unavailable("libduckdb does not take the setting \"" + std::string(name) + "\"");
  std::unique_ptr<Session> session(new Session());
  char* message = nullptr;
  if (duckdb_open_ext(nullptr, session->database_.out(), config.get(), &message) == DuckDBError) {
    return unavailable("libduckdb does not open: " + taken(message));
  }
  MILLRACE_TRY(connection, session->connect());
  session->connection_ = std::move(connection);
  MILLRACE_RETURN_IF_ERROR(session->run("SET TimeZone = 'UTC'"));
  // Progress is kept only when the bar is on; it is never printed.
  MILLRACE_RETURN_IF_ERROR(session->run("SET enable_progress_bar = true"));
  MILLRACE_RETURN_IF_ERROR(session->run("SET enable_progress_bar_print = false"));
  return session;
}

Result<Connection> Session::connect() const {
  Connection connection;
  if (duckdb_connect(database_.get(), connection.out()) == DuckDBError)
    return unavailable("libduckdb does not connect");
  return connection;
}

Status Session::run(const std::string& sql) {
  ResultSet result;
  if (duckdb_query(connection_.get(), sql.c_str(), result.get()) == DuckDBError)
    return engine_error(duckdb_result_error_type(result.get()), duckdb_result_error(result.get()),
                        Author::kOurs);
  return ok_status();
}

Result<std::vector<Session::Row>> Session::rows(const std::string& sql) {
  ResultSet result;
  if (duckdb_query(connection_.get(), sql.c_str(), result.get()) == DuckDBError)
    return engine_error(duckdb_result_error_type(result.get()), duckdb_result_error(result.get()),
                        Author::kOurs);
  std::vector<Row> rows;
  for (;;) {
    const Chunk chunk(duckdb_fetch_chunk(*result.get()));
    if (chunk.get() == nullptr) return rows;
    const idx_t count = duckdb_data_chunk_get_size(chunk.get());
    for (idx_t row = 0; row < count; ++row) {
      Row& texts = rows.emplace_back();
      for (idx_t i = 0; i < duckdb_data_chunk_get_column_count(chunk.get()); ++i) {
        duckdb_vector column = duckdb_data_chunk_get_vector(chunk.get(), i);
        std::uint64_t* const validity = duckdb_vector_get_validity(column);
        if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) {
          texts.emplace_back();
          continue;
        }
        texts.emplace_back(text_at(column, row));
      }
    }
  }
}

Result<Prepared> Session::prepare(const std::string& sql, Author author) {
  Prepared statement;
  if (duckdb_prepare(connection_.get(), sql.c_str(), statement.out()) == DuckDBError) {
    const char* const message = duckdb_prepare_error(statement.get());
    const std::string text = message == nullptr ? "the statement can't be prepared" : message;
    Error error =
        engine_error(says(text, "Permission Error") ? DUCKDB_ERROR_PERMISSION : DUCKDB_ERROR_BINDER,
                     text, author);
    if (author == Author::kUsers) error.path = place_in(text, sql);
    return error;
  }
  return statement;
}

Status Session::execute(const Prepared& statement, bool streaming, const std::stop_token& stop,
                        ResultSet& result, Author author, const std::function<void()>& watch) {
  const Status executed = execute_once(statement, streaming, stop, result, author, watch);
  // One that writes is not run again: what it has written is there.
  if (executed.ok() || !is_unasked(executed.error()) || !streaming) return executed;
  return why_interrupted(statement, stop, author);
}

Error Session::why_interrupted(const Prepared& statement, const std::stop_token& stop,
                               Author author) {
  constexpr int kTries = 8;  // each is as likely to tell nothing as the first was: one in hundreds
  for (int i = 1;; ++i) {
    ResultSet rows;
    const Status begun = execute_once(statement, true, stop, rows, author, nullptr);
    Result<Chunk> chunk =
        begun.ok() ? fetch_rows(rows, author, stop) : Result<Chunk>(begun.error());
    while (chunk.ok() && chunk->get() != nullptr) chunk = fetch_rows(rows, author, stop);
    abandon();
    const bool none = chunk.ok();  // it does not fail any more
    if (none) return unless_unasked(engine_error(DUCKDB_ERROR_INTERRUPT, "", author), stop);
    if (!is_unasked(chunk.error()) || i == kTries) return chunk.error();
  }
}

Status Session::execute_once(const Prepared& statement, bool streaming, const std::stop_token& stop,
                             ResultSet& result, Author author, const std::function<void()>& watch) {
  Pending pending;
  const duckdb_state made = streaming
                                ? duckdb_pending_prepared_streaming(statement.get(), pending.out())
                                : duckdb_pending_prepared(statement.get(), pending.out());
  if (made == DuckDBError)
    return engine_error(type_of(duckdb_pending_error(pending.get())),
                        duckdb_pending_error(pending.get()), author);
  // An interrupt that comes before the statement has begun would be lost; the loop sees `stop`
  // then.
  const std::stop_callback interrupt_at_stop(stop, [this] { interrupt(); });
  // However it ends but well.
  const auto abandoned = [&](Error error) {
    pending = Pending();
    abandon();
    return error;
  };
  for (;;) {
    const duckdb_pending_state state = duckdb_pending_execute_task(pending.get());
    if (state == DUCKDB_PENDING_ERROR) {
      const std::string message = duckdb_pending_error(pending.get());
      return abandoned(unless_unasked(engine_error(type_of(message), message, author), stop));
    }
    if (duckdb_pending_execution_is_finished(state)) break;
    if (stop.stop_requested()) {
      interrupt();
      return abandoned(engine_error(DUCKDB_ERROR_INTERRUPT, "", author));
    }
    if (watch) watch();
    // Every task is in another thread's hands.
    if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE)
      std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  if (duckdb_execute_pending(pending.get(), result.get()) == DuckDBError)
    return abandoned(unless_unasked(engine_error(duckdb_result_error_type(result.get()),
                                                 duckdb_result_error(result.get()), author),
                                    stop));
  return ok_status();
}

// The engine takes its threads off a statement when the connection turns to the next one, and not
// before.
void Session::abandon() { duckdb_query(connection_.get(), "SELECT 1", nullptr); }

double Session::progress() const {
  const double percentage = duckdb_query_progress(connection_.get()).percentage;
  return percentage < 0 ? -1 : percentage / 100;
}

}  // namespace millrace::kernel
