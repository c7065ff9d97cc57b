#include "workers/kernel/duckdb/parquet_output.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "base/failpoint.h"

namespace millrace::kernel {
namespace {

constexpr std::size_t kMaxStatisticBytes = 64;
// A file's row must fit into a message with others.
constexpr std::size_t kMaxStatisticsBytes = 256 << 10;

// Calls visit(key, vector of values, place of the value) for each entry of a MAP at `row`.
template <typename Visit>
void each_entry(duckdb_vector map, idx_t row, Visit visit) {
  if (!valid_at(duckdb_vector_get_validity(map), row)) return;
  const duckdb_list_entry entry = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(map))[row];
  duckdb_vector pairs = duckdb_list_vector_get_child(map);
  duckdb_vector keys = duckdb_struct_vector_get_child(pairs, 0);
  duckdb_vector values = duckdb_struct_vector_get_child(pairs, 1);
  const std::uint64_t* const validity = duckdb_vector_get_validity(values);
  for (idx_t i = entry.offset; i < entry.offset + entry.length; ++i)
    if (valid_at(validity, i)) visit(text_at(keys, i), values, i);
}

// The writer names a column as an identifier, quoted, and a nested one by its path.
std::optional<std::string> column_of(std::string_view path, const Schema& schema) {
  for (const ColumnSpec& column : schema.columns)
    if (path == column.name || path == sql_identifier(column.name)) return column.name;
  return std::nullopt;
}

std::string statistics_of(duckdb_vector columns, idx_t row, const Schema& schema) {
  nlohmann::json statistics = nlohmann::json::object();
  std::size_t bytes = 0;
  each_entry(columns, row, [&](std::string_view path, duckdb_vector values, idx_t place) {
    const std::optional<std::string> column = column_of(path, schema);
    if (!column.has_value() || bytes > kMaxStatisticsBytes) return;
    nlohmann::json entry = nlohmann::json::object();
    each_entry(values, place, [&](std::string_view key, duckdb_vector texts, idx_t i) {
      const std::string_view text = text_at(texts, i);
      if (text.size() > kMaxStatisticBytes) return;
      if (key == "min" || key == "max")
        entry[std::string(key)] = text;
      else if (key == "null_count")
        entry["nulls"] = nlohmann::json::parse(text, nullptr, false);
      bytes += text.size() + 16;
    });
    bytes += column->size();
    statistics[*column] = std::move(entry);
  });
  return statistics.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// What COPY … (RETURN_STATS) says of each file: filename, count, file_size_bytes,
// footer_size_bytes, column_statistics, partition_keys.
Result<WrittenDataset> files_of(ResultSet& result, Schema schema) {
  WrittenDataset written;
  for (;;) {
    const Chunk chunk(duckdb_fetch_chunk(*result.get()));
    if (chunk.get() == nullptr) break;
    const auto column = [&](idx_t i) { return duckdb_data_chunk_get_vector(chunk.get(), i); };
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk.get()); ++row) {
      WrittenFile& file = written.files.emplace_back();
      file.name = text_at(column(0), row);
      file.rows = static_cast<std::int64_t>(
          static_cast<std::uint64_t*>(duckdb_vector_get_data(column(1)))[row]);
      file.bytes = static_cast<std::int64_t>(
          static_cast<std::uint64_t*>(duckdb_vector_get_data(column(2)))[row]);
      file.statistics_json = statistics_of(column(4), row, schema);
    }
  }
  std::ranges::sort(written.files, {}, &WrittenFile::name);
  written.schema = std::move(schema);
  return written;
}

Status make_durable(WrittenDataset& written, std::vector<std::string> paths) {
  for (WrittenFile& file : written.files) {
    const std::filesystem::path path(file.name);
    MILLRACE_TRY(checksum, checksum_of_file(path.string()));
    MILLRACE_FAILPOINT("upload.before_fsync");
    paths.push_back(path.string());
    file.name = path.filename().string();
    file.checksum = std::move(checksum);
    written.rows += file.rows;
    written.bytes += file.bytes;
  }
  MILLRACE_RETURN_IF_ERROR(sync_paths(paths));
  MILLRACE_FAILPOINT("upload.after_fsync");
  return ok_status();
}

}  // namespace

Result<Schema> describe(Session& session, const std::string& select) {
  MILLRACE_TRY(rows, session.rows("DESCRIBE " + select));
  Schema schema;
  for (const Session::Row& row : rows)
    schema.columns.push_back({row.at(0).value_or(""), row.at(1).value_or(""), true});
  return schema;
}

Result<WrittenDataset> write_parquet(Session& session, const std::string& select,
                                     const std::string& folder, Bytes row_group, Author author,
                                     const std::stop_token& stop,
                                     const std::function<void()>& watch) {
  MILLRACE_TRY(schema, describe(session, select));
  MILLRACE_TRY(folders, make_folder(folder));
  const std::string copy = "COPY (" + select + ") TO " + sql_literal(folder) +
                           " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1,"
                           " FILE_SIZE_BYTES '256MB', FILENAME_PATTERN 'part-{i}',"
                           " ROW_GROUP_SIZE_BYTES " +
                           std::to_string(row_group.value()) +
                           ","
                           " WRITE_EMPTY_FILE false, RETURN_STATS)";
  MILLRACE_TRY(statement, session.prepare(copy, Author::kOurs));
  ResultSet result;
  MILLRACE_RETURN_IF_ERROR(session.execute(statement, false, stop, result, author, watch));
  MILLRACE_TRY(written, files_of(result, std::move(schema)));
  if (written.files.empty()) {
    std::error_code ignored;
    std::filesystem::remove(folder,
                            ignored);  // nobody will refer to it, and so nobody clear it away
    return written;
  }
  MILLRACE_RETURN_IF_ERROR(make_durable(written, folders));
  return written;
}

}  // namespace millrace::kernel
