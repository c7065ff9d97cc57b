// DuckDB behind the interface of query_engine.h: a writer, whose statements are all ours, and
// beside it a closed database for the one statement that is not.

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/file_error.h"
#include "base/overloaded.h"
#include "lib/process/owned_fd.h"
#include "lib/sql/limits.h"
#include "workers/kernel/duckdb/parquet_output.h"
#include "workers/kernel/duckdb/parquet_source.h"
#include "workers/kernel/duckdb/result_table.h"
#include "workers/kernel/duckdb/row_output.h"
#include "workers/kernel/duckdb/session.h"
#include "workers/kernel/duckdb/storable.h"
#include "workers/kernel/duckdb/text_table.h"
#include "workers/kernel/query_engine.h"

namespace millrace::kernel {
namespace {

// The engine counts what it buffers of a streaming result without the texts in it: with its own
// bound of a megabyte, chunks of long texts would pile up to the gigabyte.
constexpr const char* kSmallBuffer = "SET streaming_buffer_size = '64KB'";

constexpr Bytes kSmallestRowGroup = mebibytes(1);
constexpr Bytes kLargestRowGroup = mebibytes(128);

// An error that a table function kept says more than the engine's copy of its text.
template <typename T, typename Table>
Result<T> with_own_error(Result<T> result, const Table& table) {
  if (result.ok()) return result;
  if (std::optional<Error> own = table.error()) return *std::move(own);
  return result;
}

// The quarantine's rows on their way: a table of the writer, which spills if they are many.
class QuarantineTable {
 public:
  static Result<std::unique_ptr<QuarantineTable>> make(Session& session) {
    std::string columns;
    for (const ColumnSpec& column : quarantine_schema().columns) {
      if (!columns.empty()) columns += ", ";
      columns += sql_identifier(column.name) + " " + column.type;
    }
    MILLRACE_RETURN_IF_ERROR(session.run("CREATE TABLE quarantine (" + columns + ")"));
    auto table = std::make_unique<QuarantineTable>();
    MILLRACE_TRY(connection, session.connect());
    table->connection_ = std::move(connection);
    if (duckdb_appender_create(table->connection_.get(), nullptr, "quarantine",
                               table->appender_.out()) == DuckDBError)
      return table->failed();
    return table;
  }

  Status add(const RejectedRecord& record) {
    duckdb_appender appender = appender_.get();
    append_text(record.file);
    duckdb_append_int64(appender, static_cast<std::int64_t>(record.record));
    if (record.line > 0) {
      duckdb_append_int64(appender, static_cast<std::int64_t>(record.line));
      duckdb_append_int64(appender, static_cast<std::int64_t>(record.byte_offset));
    } else {
      duckdb_append_null(appender);
      duckdb_append_null(appender);
    }
    if (record.column.empty())
      duckdb_append_null(appender);
    else
      append_text(record.column);
    append_text(record.error_class);
    append_text(record.message);
    duckdb_append_blob(appender, record.raw.data(), record.raw.size());
    if (duckdb_appender_end_row(appender) == DuckDBError) return failed();
    return ok_status();
  }

  Status finish() {
    if (duckdb_appender_close(appender_.get()) == DuckDBError) return failed();
    return ok_status();
  }

 private:
  void append_text(const std::string& text) {
    duckdb_append_varchar_length(appender_.get(), text.data(), text.size());
  }
  Error failed() const {
    const char* const message = duckdb_appender_error(appender_.get());
    return engine_error(DUCKDB_ERROR_INVALID, message == nullptr ? "no appender" : message,
                        Author::kOurs);
  }

  Connection connection_;
  Appender appender_;
};

Result<std::string> rows_of(const DatasetView& view) {
  if (!view.files.empty()) return "SELECT * FROM " + read_parquet(view.files);
  if (!view.schema.has_value() || view.schema->columns.empty())
    return Error{ErrorClass::kUser, "dataset.empty",
                 "dataset \"" + view.name + "\" has no snapshot yet, so its columns are not known",
                 "run what writes it first"};
  std::string columns;
  for (const ColumnSpec& column : view.schema->columns) {
    if (!columns.empty()) columns += ", ";
    columns += "CAST(NULL AS " + column.type + ") AS " + sql_identifier(column.name);
  }
  return "SELECT " + columns + " WHERE false";
}

Value value_of(const QueryValue& value) {
  return std::visit(
      Overloaded{[](const std::string& text) {
                   return Value(duckdb_create_varchar_length(text.data(), text.size()));
                 },
                 [](std::int64_t number) { return Value(duckdb_create_int64(number)); },
                 [](bool flag) { return Value(duckdb_create_bool(flag)); },
                 [](const std::vector<std::string>& texts) {
                   std::vector<Value> owned;
                   std::vector<duckdb_value> values;
                   for (const std::string& text : texts) {
                     owned.emplace_back(duckdb_create_varchar_length(text.data(), text.size()));
                     values.push_back(owned.back().get());
                   }
                   const LogicalType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
                   // An empty vector may point nowhere, and of that the engine makes no list.
                   duckdb_value none = nullptr;
                   return Value(duckdb_create_list_value(
                       text.get(), values.empty() ? &none : values.data(), values.size()));
                 }},
      value);
}

Status bind_parameters(const Prepared& statement,
                       const std::map<std::string, QueryValue>& parameters) {
  for (idx_t i = 1; i <= duckdb_nparams(statement.get()); ++i) {
    const char* const name = duckdb_parameter_name(statement.get(), i);
    const auto found = parameters.find(name == nullptr ? "" : name);
    duckdb_free(const_cast<char*>(name));
    if (found == parameters.end())
      return Error{ErrorClass::kUser, "query.parameter_missing",
                   "the statement uses a parameter that the run does not have",
                   "declare it under parameters"};
    if (duckdb_bind_value(statement.get(), i, value_of(found->second).get()) == DuckDBError)
      return Error{ErrorClass::kUser, "query.parameter_invalid",
                   "parameter \"" + found->first + "\" can't be bound", "look at its value"};
  }
  return ok_status();
}

// Words that, without parentheses, are functions where no column has their name, which the
// judgement of the text can't tell; called as functions they are refused there
// (lib/sql/functions.cpp).
Status refuse_session_words(Session& session) {
  std::string macros;
  for (const std::string name : {"current_user", "user", "session_user", "current_role",
                                 "current_schema", "current_catalog"})
    macros += "CREATE MACRO " + sql_identifier(name) + "() AS error(" +
              sql_literal("\"" + name +
                          "\" is not allowed: it shows the engine's session, which is not the "
                          "same on another try") +
              ");";
  return session.run(macros);
}

class DuckDbEngine final : public QueryEngine {
 public:
  DuckDbEngine(std::unique_ptr<Session> writer, std::unique_ptr<Session> closed)
      : writer_(std::move(writer)), closed_(std::move(closed)) {}

  // Taken when a database is used: an attempt of a command needs none of them.
  Status limit(const EngineLimits& limits) override {
    limits_ = limits;
    return ok_status();
  }

  Result<std::string> syntax_tree(std::string_view sql) override {
    MILLRACE_TRY(statement, writer_->prepare(sql::kTreeQuery, Author::kOurs));
    if (duckdb_bind_varchar_length(statement.get(), 1, sql.data(), sql.size()) == DuckDBError)
      return Error{ErrorClass::kUser, "sql.encoding", "the text is not UTF-8"};
    ResultSet result;
    MILLRACE_RETURN_IF_ERROR(
        writer_->execute(statement, false, {}, result, Author::kUsers, nullptr));
    const Chunk chunk(duckdb_fetch_chunk(*result.get()));
    if (chunk.get() == nullptr || duckdb_data_chunk_get_size(chunk.get()) != 1)
      return engine_error(DUCKDB_ERROR_INTERNAL, "the engine gave no tree", Author::kOurs);
    return std::string(text_at(duckdb_data_chunk_get_vector(chunk.get(), 0), 0));
  }

  Result<Ingested> ingest_text(const TextSource& source, std::uint64_t max_rejects,
                               const std::string& folder, const std::string& quarantine_folder,
                               const Watch& watch) override {
    MILLRACE_RETURN_IF_ERROR(limit_writer(4));
    MILLRACE_TRY(layout, read_layout(source, watch.stop));
    MILLRACE_TRY(quarantine, QuarantineTable::make(*writer_));
    RejectLog rejects(max_rejects,
                      [&](const RejectedRecord& record) { return quarantine->add(record); });
    TextTable table(source, layout, rejects, watch);
    MILLRACE_RETURN_IF_ERROR(table.register_in(*writer_, "millrace_text"));
    MILLRACE_TRY(rows, with_own_error(write(table.select(), folder, Author::kOurs, watch), table));
    rows.schema = layout.schema;
    MILLRACE_TRY(bad, write_quarantine(*quarantine, quarantine_folder, watch));
    return Ingested{std::move(rows), std::move(bad)};
  }

  Result<Ingested> ingest_parquet(const std::vector<SourceFile>& files,
                                  const std::vector<std::string>& roots, const Schema& stated,
                                  std::uint64_t max_rejects, const std::string& folder,
                                  const std::string& quarantine_folder,
                                  const Watch& watch) override {
    MILLRACE_RETURN_IF_ERROR(limit_writer(4));
    MILLRACE_RETURN_IF_ERROR(register_text_fits(*writer_));
    MILLRACE_TRY(source, ParquetSource::open(*writer_, files, roots, stated, watch.stop));
    MILLRACE_TRY(quarantine, QuarantineTable::make(*writer_));
    RejectLog rejects(max_rejects,
                      [&](const RejectedRecord& record) { return quarantine->add(record); });
    MILLRACE_RETURN_IF_ERROR(set_aside(*source, rejects, watch));
    Result<WrittenDataset> rows =
        write(source->select(rejects.count() == 0), folder, Author::kOurs, watch);
    if (!rows.ok()) return source->blame(std::move(rows).error());
    if (!stated.columns.empty()) rows->schema = source->stated();
    MILLRACE_TRY(bad, write_quarantine(*quarantine, quarantine_folder, watch));
    return Ingested{*std::move(rows), std::move(bad)};
  }

  Result<WrittenDataset> run_query(const Query& query, const std::string& folder,
                                   const Watch& watch) override {
    ResultSet result;
    MILLRACE_TRY(statement, start(query, watch, result));
    const auto look = [&] { watch.activity.fraction = closed_->progress(); };
    ResultTable table(
        result, [&] { return closed_->why_interrupted(statement, watch.stop, Author::kUsers); },
        !query.ordered, query.max_rows, watch);
    MILLRACE_RETURN_IF_ERROR(table.register_in(*writer_, "millrace_result"));
    std::string columns;
    for (idx_t i = 0; i < duckdb_column_count(result.get()); ++i) {
      const LogicalType type(duckdb_column_logical_type(result.get(), i));
      columns += (i == 0 ? "" : ", ") + storable(duckdb_column_name(result.get(), i), type.get());
    }
    // The fetch may wait for the closed database, which has to hear of a stop as well.
    const std::stop_callback interrupt(watch.stop, [this] { closed_->interrupt(); });
    return with_own_error(
        write("SELECT " + columns + " FROM millrace_result()", folder, Author::kUsers, watch, look),
        table);
  }

  Result<WrittenRows> run_rows(const Query& query, RowFormat format, const RowLimits& limits,
                               const std::string& path, const Watch& watch) override;

  Result<WrittenFile> export_rows(const DatasetView& dataset, ExportFormat format,
                                  const std::string& path, const Watch& watch) override;

 private:
  // SELECTs of ours into a file: how many rows.
  Result<std::int64_t> copy_to(const std::string& rows, ExportFormat format,
                               const std::string& path, const Watch& watch);
  Result<std::int64_t> export_ndjson(const std::string& rows, const std::string& path,
                                     const Watch& watch);

  // The statement, closed in and bound, up to its first rows.
  Result<Prepared> start(const Query& query, const Watch& watch, ResultSet& result) {
    MILLRACE_RETURN_IF_ERROR(limit_writer(1));
    MILLRACE_RETURN_IF_ERROR(limit_session(*closed_, "query", 3));
    MILLRACE_RETURN_IF_ERROR(close_in(query.views));
    MILLRACE_TRY(statement, closed_->prepare(query.sql, Author::kUsers));
    if (duckdb_prepared_statement_type(statement.get()) != DUCKDB_STATEMENT_TYPE_SELECT)
      return Error{ErrorClass::kPolicy, "query.not_select", "the statement is no SELECT",
                   "write one SELECT"};
    MILLRACE_RETURN_IF_ERROR(bind_parameters(statement, query.parameters));
    MILLRACE_RETURN_IF_ERROR(
        closed_->execute(statement, true, watch.stop, result, Author::kUsers,
                         [&] { watch.activity.fraction = closed_->progress(); }));
    return statement;
  }

  Result<WrittenDataset> write_quarantine(QuarantineTable& quarantine, const std::string& folder,
                                          const Watch& watch) {
    MILLRACE_RETURN_IF_ERROR(quarantine.finish());
    MILLRACE_TRY(
        bad, write("SELECT * FROM quarantine ORDER BY file, record", folder, Author::kOurs, watch));
    bad.schema = quarantine_schema();
    return bad;
  }

  // The bad rows of Parquet files, file by file and in order, so that no more are looked for than
  // may be, and the first is the first.
  Status set_aside(const ParquetSource& source, RejectLog& rejects, const Watch& watch) {
    if (!source.checks()) return ok_status();
    MILLRACE_RETURN_IF_ERROR(writer_->run(kSmallBuffer));
    MILLRACE_RETURN_IF_ERROR(writer_->run("SET preserve_insertion_order = true"));
    for (std::size_t file = 0; file < source.files(); ++file) {
      const Status looked = set_aside(source, file, rejects, watch);
      writer_->abandon();
      if (!looked.ok()) return source.blame(looked.error());
    }
    return writer_->run("SET preserve_insertion_order = false");
  }
  Status set_aside(const ParquetSource& source, std::size_t file, RejectLog& rejects,
                   const Watch& watch) {
    MILLRACE_TRY(statement, writer_->prepare(source.select_bad(file), Author::kOurs));
    const std::stop_callback interrupt(watch.stop, [this] { writer_->interrupt(); });
    ResultSet result;
    MILLRACE_RETURN_IF_ERROR(
        writer_->execute(statement, true, watch.stop, result, Author::kOurs, nullptr));
    for (;;) {
      Result<Chunk> next = fetch_rows(result, Author::kOurs, watch.stop);
      if (!next.ok() && is_unasked(next.error()))
        return writer_->why_interrupted(statement, watch.stop, Author::kOurs);
      MILLRACE_TRY(chunk, std::move(next));
      if (chunk.get() == nullptr) return ok_status();
      const auto vector = [&](idx_t i) { return duckdb_data_chunk_get_vector(chunk.get(), i); };
      const auto text = [&](idx_t i, idx_t row) { return std::string(text_at(vector(i), row)); };
      const auto* const records = static_cast<std::int64_t*>(duckdb_vector_get_data(vector(0)));
      for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk.get()); ++row) {
        RejectedRecord bad{.file = source.name(file),
                           .record = static_cast<std::uint64_t>(records[row]),
                           .column = text(1, row),
                           .error_class = text(2, row),
                           .message = text(3, row),
                           .raw = ""};
        append_object(source.whole_row(), chunk.get(), 4, row, bad.raw);
        MILLRACE_RETURN_IF_ERROR(rejects.add(bad));
      }
    }
  }

  // And how much a thread may gather for a group of rows of a file, which it then holds once more,
  // as what is written.
  Status limit_writer(int quarters) {
    const std::int64_t share = limits_.memory.value() / 4 * quarters;
    row_group_ = std::clamp(Bytes(share / (4 * std::max(limits_.threads, 1))), kSmallestRowGroup,
                            kLargestRowGroup);
    return limit_session(*writer_, "writer", quarters);
  }

  // `quarters` of the memory: a kind that uses one database alone gives it all.
  Status limit_session(Session& session, const std::string& name, int quarters) const {
    const auto bytes = [](std::int64_t count) { return sql_literal(std::to_string(count) + "B"); };
    return session.run("SET threads = " + std::to_string(limits_.threads) +
                       "; SET memory_limit = " + bytes(limits_.memory.value() / 4 * quarters) +
                       "; SET temp_directory = " + sql_literal(limits_.spill_folder + "-" + name) +
                       "; SET max_temp_directory_size = " + bytes(limits_.spill.value()));
  }

  // Views over the files and nothing else; no way back.
  Status close_in(const std::vector<DatasetView>& views) {
    std::vector<std::string> files;
    for (const DatasetView& view : views)
      files.insert(files.end(), view.files.begin(), view.files.end());
    MILLRACE_RETURN_IF_ERROR(closed_->run("SET allowed_paths = " + sql_list(files)));
    for (const DatasetView& view : views) {
      MILLRACE_TRY(rows, rows_of(view));
      MILLRACE_RETURN_IF_ERROR(
          closed_->run("CREATE VIEW " + sql_identifier(view.name) + " AS " + rows));
    }
    return closed_->run(
        "SET preserve_insertion_order = true; SET enable_external_access = false; "
        "SET lock_configuration = true");
  }

  Result<WrittenDataset> write(const std::string& select, const std::string& folder, Author author,
                               const Watch& watch, const std::function<void()>& look = nullptr) {
    // Rows that were counted on their way are the same rows.
    const std::int64_t before = watch.activity.rows_written;
    MILLRACE_TRY(written,
                 write_parquet(*writer_, select, folder, row_group_, author, watch.stop, look));
    watch.activity.rows_written = before + written.rows;
    watch.activity.bytes_written += written.bytes;
    return written;
  }

  EngineLimits limits_;
  Bytes row_group_;
  std::unique_ptr<Session> writer_;
  std::unique_ptr<Session> closed_;
};

Result<WrittenRows> DuckDbEngine::run_rows(const Query& query, RowFormat format,
                                           const RowLimits& limits, const std::string& path,
                                           const Watch& watch) {
  for (Session* session : {writer_.get(), closed_.get()})
    MILLRACE_RETURN_IF_ERROR(session->run(kSmallBuffer));
  ResultSet result;
  MILLRACE_TRY(asked, start(query, watch, result));
  ResultTable table(
      result, [&] { return closed_->why_interrupted(asked, watch.stop, Author::kUsers); }, false,
      std::nullopt, watch);
  MILLRACE_RETURN_IF_ERROR(table.register_in(*writer_, "millrace_result"));
  MILLRACE_TRY(schema, describe(*writer_, "SELECT * FROM millrace_result()"));
  std::vector<RowColumn> columns;
  std::string expressions;
  for (idx_t i = 0; i < duckdb_column_count(result.get()); ++i) {
    const LogicalType type(duckdb_column_logical_type(result.get(), i));
    columns.emplace_back(duckdb_column_name(result.get(), i), type.get(),
                         format == RowFormat::kJson ? ValueForm::kJson : ValueForm::kCsv);
    expressions += (i == 0 ? "" : ", ") + columns.back().expression();
  }
  MILLRACE_RETURN_IF_ERROR(writer_->run("SET preserve_insertion_order = true"));
  MILLRACE_TRY(statement, writer_->prepare("SELECT " + expressions + " FROM millrace_result()",
                                           Author::kOurs));
  // Either fetch may wait for the other database, and both have to hear of a stop.
  const std::stop_callback interrupt(watch.stop, [this] {
    closed_->interrupt();
    writer_->interrupt();
  });
  // Before the table goes that they read from: whatever is left of the rows, whether none were
  // wanted any more or an error came, is taken off the engine's threads.
  const auto write = [&]() -> Result<WrittenRows> {
    ResultSet rows;
    MILLRACE_RETURN_IF_ERROR(
        writer_->execute(statement, true, watch.stop, rows, Author::kUsers, nullptr));
    return write_rows(rows, columns, schema, format, limits, path, watch);
  };
  Result<WrittenRows> written = with_own_error(write(), table);
  writer_->abandon();
  closed_->abandon();
  return written;
}

std::string_view options_of(ExportFormat format) {
  switch (format) {
    case ExportFormat::kCsv:
      return "FORMAT csv, HEADER true";
    case ExportFormat::kCsvWithoutHeader:
      return "FORMAT csv, HEADER false";
    case ExportFormat::kNdjson:
      break;  // export_ndjson
    case ExportFormat::kParquet:
      return "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1";
  }
  return "";
}

// Rows with their BLOBs as the texts that RowColumn makes of them: the engine's writer would hide
// quotes too. Its backslash always begins an escape, so theirs are found by their text.
Result<std::string> with_blobs_as_texts(Session& session, const std::string& rows) {
  MILLRACE_TRY(schema, describe(session, rows));
  std::string texts;
  for (const ColumnSpec& column : schema.columns) {
    if (column.type != "BLOB") continue;
    const std::string name = sql_identifier(column.name);
    const std::string text =
        "replace(replace(CAST(" + name + " AS VARCHAR), '\\x22', '\"'), '\\x27', '''')";
    texts.append(texts.empty() ? "" : ", ").append(text).append(" AS ").append(name);
  }
  if (texts.empty()) return rows;
  return "SELECT * REPLACE (" + texts + ") FROM (" + rows + ")";
}

Result<std::int64_t> DuckDbEngine::copy_to(const std::string& rows, ExportFormat format,
                                           const std::string& path, const Watch& watch) {
  MILLRACE_TRY(statement, writer_->prepare("COPY (" + rows + ") TO " + sql_literal(path) + " (" +
                                               std::string(options_of(format)) + ")",
                                           Author::kOurs));
  ResultSet result;
  const auto look = [&] { watch.activity.fraction = writer_->progress(); };
  MILLRACE_RETURN_IF_ERROR(
      writer_->execute(statement, false, watch.stop, result, Author::kOurs, look));
  return static_cast<std::int64_t>(duckdb_rows_changed(result.get()));
}

// Not by the engine's own writer, whose NaN is no JSON, which rounds the numbers of JSON columns
// and writes a FLOAT with the digits of a double.
Result<std::int64_t> DuckDbEngine::export_ndjson(const std::string& rows, const std::string& path,
                                                 const Watch& watch) {
  MILLRACE_TRY(types, writer_->prepare(rows, Author::kOurs));
  std::vector<RowColumn> columns;
  std::string expressions;
  for (idx_t i = 0; i < duckdb_prepared_statement_column_count(types.get()); ++i) {
    const LogicalType type(duckdb_prepared_statement_column_logical_type(types.get(), i));
    const char* const name = duckdb_prepared_statement_column_name(types.get(), i);
    columns.emplace_back(name, type.get(), ValueForm::kNdjson);
    duckdb_free(const_cast<char*>(name));
    expressions += (i == 0 ? "" : ", ") + columns.back().expression();
  }
  MILLRACE_RETURN_IF_ERROR(writer_->run(kSmallBuffer));
  MILLRACE_TRY(statement,
               writer_->prepare("SELECT " + expressions + " FROM (" + rows + ")", Author::kOurs));
  const std::stop_callback interrupt(watch.stop, [this] { writer_->interrupt(); });
  const auto write = [&]() -> Result<std::int64_t> {
    ResultSet result;
    const auto look = [&] { watch.activity.fraction = writer_->progress(); };
    MILLRACE_RETURN_IF_ERROR(
        writer_->execute(statement, true, watch.stop, result, Author::kOurs, look));
    return write_ndjson(result, columns, path, watch, look);
  };
  Result<std::int64_t> written = write();
  writer_->abandon();
  return written;
}

Result<WrittenFile> DuckDbEngine::export_rows(const DatasetView& dataset, ExportFormat format,
                                              const std::string& path, const Watch& watch) {
  MILLRACE_RETURN_IF_ERROR(limit_writer(4));
  MILLRACE_TRY(rows, rows_of(dataset));
  // A delivery's rows keep the dataset's order.
  MILLRACE_RETURN_IF_ERROR(writer_->run("SET preserve_insertion_order = true"));
  if (format == ExportFormat::kCsv || format == ExportFormat::kCsvWithoutHeader) {
    MILLRACE_TRY(texts, with_blobs_as_texts(*writer_, rows));
    rows = std::move(texts);
  }
  MILLRACE_TRY(count, format == ExportFormat::kNdjson ? export_ndjson(rows, path, watch)
                                                      : copy_to(rows, format, path, watch));
  WrittenFile file;
  file.name = std::filesystem::path(path).filename().string();
  file.rows = count;
  std::error_code error;
  file.bytes = static_cast<std::int64_t>(std::filesystem::file_size(path, error));
  MILLRACE_TRY(checksum, checksum_of_file(path));
  file.checksum = std::move(checksum);
  MILLRACE_RETURN_IF_ERROR(sync_path(path));
  watch.activity.rows_written += file.rows;
  watch.activity.bytes_written += file.bytes;
  return file;
}

}  // namespace

Result<std::unique_ptr<QueryEngine>> open_query_engine() {
  MILLRACE_TRY(writer, Session::open());
  MILLRACE_TRY(closed, Session::open());
  // A database makes much of its catalog when it is first named: done here, ahead of need, it is
  // done before anybody waits. Into a file of our own, in memory: the engine locks what it writes,
  // and /dev/null is the whole machine's.
  const process::OwnedFd nowhere(::memfd_create("warm", MFD_CLOEXEC));
  if (!nowhere) return file_error("making", "a file in memory", errno);
  MILLRACE_RETURN_IF_ERROR(
      writer->run("COPY (SELECT 1 AS warm) TO " +
                  sql_literal("/proc/self/fd/" + std::to_string(nowhere.get())) +
                  " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, USE_TMP_FILE false)"));
  MILLRACE_RETURN_IF_ERROR(closed->run("SELECT 1"));
  MILLRACE_RETURN_IF_ERROR(refuse_session_words(*closed));
  return std::unique_ptr<QueryEngine>(
      std::make_unique<DuckDbEngine>(std::move(writer), std::move(closed)));
}

}  // namespace millrace::kernel
