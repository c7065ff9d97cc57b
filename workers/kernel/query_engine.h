// QueryEngine: what the task kinds ask of an engine, without naming one. An attempt has an engine
// of its own, opened ahead and gone with it: files in, durable Parquet or text files out.
//
// One call at a time. Every call ends soon after its `stop` says so, with task.cancelled
// (Transient), or with an error of these classes: User (the data or the statement), Policy
// (refused), Resource (memory, spill, disk: engine.out_of_memory, disk.full, disk.exceeded),
// Infrastructure.
//
//   MILLRACE_TRY(engine, open_query_engine());
//   MILLRACE_RETURN_IF_ERROR(engine->limit({.threads = 2, .memory = mebibytes(512), …}));
//   MILLRACE_TRY(written, engine->run_query(query, folder, {stop, activity}));
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "workers/kernel/activity.h"
#include "workers/kernel/rejected_record.h"
#include "workers/kernel/text_source.h"
#include "workers/kernel/written.h"

namespace millrace::kernel {

struct EngineLimits {
  int threads = 1;
  Bytes memory;  // beyond it the engine spills, then fails
  Bytes spill;   // in spill_folder
  // Each database of the engine makes one of its own, named after this, when it has to spill; the
  // folder above is there.
  std::string spill_folder;
};

// A dataset as a statement reads it: Parquet files, all absolute paths. Without files it reads as
// empty, if its schema is known.
struct DatasetView {
  std::string name;
  std::optional<Schema> schema;
  std::vector<std::string> files;
};

using QueryValue = std::variant<std::string, std::int64_t, bool, std::vector<std::string>>;

struct Query {
  std::string sql;  // one SELECT that lib/sql has passed
  std::vector<DatasetView> views;
  std::map<std::string, QueryValue> parameters;  // by name; more than the statement uses are fine
  bool ordered = false;                          // keep the rows in the statement's order
  std::optional<std::int64_t> max_rows = std::nullopt;
};

struct Ingested {
  WrittenDataset rows;
  WrittenDataset quarantine;
};

enum class ExportFormat : std::uint8_t { kCsv, kCsvWithoutHeader, kNdjson, kParquet };

// Rows for whoever asked, as docs/query.md has them.
enum class RowFormat : std::uint8_t { kJson, kCsv };

// Rows beyond either are left out. The bytes bound the rows, head and end come on top.
struct RowLimits {
  std::int64_t max_rows = 0;
  std::int64_t max_bytes = 0;
};

struct WrittenRows {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;  // of the file
  bool truncated = false;  // the statement gives more
};

struct Watch {
  std::stop_token stop;
  Activity& activity;
};

class QueryEngine {
 public:
  virtual ~QueryEngine() = default;

  virtual Status limit(const EngineLimits& limits) = 0;

  // The syntax tree of a text as JSON, for lib/sql; the engine's parse errors are in it.
  virtual Result<std::string> syntax_tree(std::string_view sql) = 0;

  // Text files to Parquet in `folder`; at most `max_rejects` bad rows to `quarantine_folder`, or
  // ingest.too_many_bad_rows. Neither folder may be there.
  virtual Result<Ingested> ingest_text(const TextSource& source, std::uint64_t max_rejects,
                                       const std::string& folder,
                                       const std::string& quarantine_folder,
                                       const Watch& watch) = 0;

  // Parquet files of the same columns to Parquet in `folder`, converted to `stated` where it is not
  // empty; bad rows as with text. Error besides: ingest.parquet (User).
  virtual Result<Ingested> ingest_parquet(const std::vector<SourceFile>& files,
                                          const std::vector<std::string>& roots,
                                          const Schema& stated, std::uint64_t max_rejects,
                                          const std::string& folder,
                                          const std::string& quarantine_folder,
                                          const Watch& watch) = 0;

  // The statement runs closed in: it reads its views' files, and neither another path nor a
  // setting. Once an engine. Errors besides: query.invalid, query.failed, query.too_many_rows,
  // query.parameter_missing, query.duplicate_column, dataset.empty (User).
  virtual Result<WrittenDataset> run_query(const Query& query, const std::string& folder,
                                           const Watch& watch) = 0;

  // The same statement in the same cage; its rows become one file, `path`, not made durable. Errors
  // besides: query.row_too_large (User).
  virtual Result<WrittenRows> run_rows(const Query& query, RowFormat format,
                                       const RowLimits& limits, const std::string& path,
                                       const Watch& watch) = 0;

  // A dataset's rows as one file, `path`, durable.
  virtual Result<WrittenFile> export_rows(const DatasetView& dataset, ExportFormat format,
                                          const std::string& path, const Watch& watch) = 0;
};

// DuckDB. Error: engine.unavailable.
Result<std::unique_ptr<QueryEngine>> open_query_engine();

}  // namespace millrace::kernel
