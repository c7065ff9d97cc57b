#include "workers/kernel/duckdb/result_table.h"

#include "workers/kernel/schema.h"

namespace millrace::kernel {
namespace {

void bind_result(duckdb_bind_info info) {
  auto& table = *static_cast<ResultTable*>(duckdb_bind_get_extra_info(info));
  duckdb_result* const result = table.result().get();
  for (idx_t i = 0; i < duckdb_column_count(result); ++i) {
    const LogicalType type(duckdb_column_logical_type(result, i));
    duckdb_bind_add_result_column(info, duckdb_column_name(result, i), type.get());
  }
}

void init_result(duckdb_init_info info) {
  auto& table = *static_cast<ResultTable*>(duckdb_init_get_extra_info(info));
  constexpr idx_t kAsManyAsGranted = 64;
  duckdb_init_set_max_threads(info, table.parallel() ? kAsManyAsGranted : 1);
}

void scan_result(duckdb_function_info info, duckdb_data_chunk output) {
  static_cast<ResultTable*>(duckdb_function_get_extra_info(info))->scan(output, info);
}

}  // namespace

Status ResultTable::register_in(Session& session, const std::string& name) {
  Schema schema;
  for (idx_t i = 0; i < duckdb_column_count(result_.get()); ++i)
    schema.columns.push_back({duckdb_column_name(result_.get(), i), "", true});
  if (const Status names = check_column_names(schema); !names.ok())
    return Error{ErrorClass::kUser, "query.duplicate_column", names.error().message,
                 "give each column a name of its own by AS"};
  const TableFunction table(duckdb_create_table_function());
  duckdb_table_function_set_name(table.get(), name.c_str());
  duckdb_table_function_set_extra_info(table.get(), this, nullptr);
  duckdb_table_function_set_bind(table.get(), bind_result);
  duckdb_table_function_set_init(table.get(), init_result);
  duckdb_table_function_set_function(table.get(), scan_result);
  if (duckdb_register_table_function(session.connection(), table.get()) == DuckDBError)
    return Error{ErrorClass::kInfrastructure, "engine.failed",
                 "the engine does not take the result's reader"};
  return ok_status();
}

std::optional<Error> ResultTable::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

// One at a time: the result is not for several threads.
Result<Chunk> ResultTable::take_chunk() {
  const std::lock_guard lock(mutex_);
  if (error_.has_value()) return *error_;
  if (at_end_) return Chunk();
  Result<Chunk> chunk = fetch_rows(result_, Author::kUsers, stop_);
  if (!chunk.ok()) {
    error_ = is_unasked(chunk.error()) ? why_interrupted_() : chunk.error();
  } else if (chunk->get() == nullptr) {
    at_end_ = true;
  } else {
    rows_ += static_cast<std::int64_t>(duckdb_data_chunk_get_size(chunk->get()));
    activity_.rows_written = rows_;
    if (max_rows_.has_value() && rows_ > *max_rows_)
      error_ = Error{ErrorClass::kUser, "query.too_many_rows",
                     "the statement gives more than " + std::to_string(*max_rows_) + " rows",
                     "raise maxRows, or bound the statement"};
  }
  if (error_.has_value()) return *error_;
  return chunk;
}

void ResultTable::scan(duckdb_data_chunk output, duckdb_function_info info) {
  const Result<Chunk> taken = take_chunk();
  if (!taken.ok()) return duckdb_function_set_error(info, taken.error().to_text().c_str());
  duckdb_data_chunk chunk = taken->get();
  if (chunk == nullptr) return duckdb_data_chunk_set_size(output, 0);
  for (idx_t i = 0; i < duckdb_data_chunk_get_column_count(chunk); ++i)
    duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(output, i),
                                   duckdb_data_chunk_get_vector(chunk, i));
  duckdb_data_chunk_set_size(output, duckdb_data_chunk_get_size(chunk));
}

}  // namespace millrace::kernel
