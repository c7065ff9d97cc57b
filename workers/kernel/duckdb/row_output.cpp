#include "workers/kernel/duckdb/row_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/file_error.h"
#include "lib/process/owned_fd.h"

namespace millrace::kernel {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;

// A new file, written through a buffer, and removed unless it was kept.
class RowFile {
 public:
  static Result<RowFile> make(const std::string& path, mode_t mode) {
    process::OwnedFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file) return file_error("making", path, errno);
    return RowFile(path, std::move(file));
  }
  RowFile(RowFile&& other) noexcept
      : path_(std::exchange(other.path_, {})),
        file_(std::move(other.file_)),
        buffer_(std::move(other.buffer_)),
        bytes_(other.bytes_) {}
  RowFile& operator=(RowFile&&) = delete;
  ~RowFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  std::int64_t bytes() const { return bytes_; }
  Status write(std::string_view text) {
    buffer_ += text;
    bytes_ += static_cast<std::int64_t>(text.size());
    return buffer_.size() < kBufferBytes ? ok_status() : flush();
  }
  Status keep() {
    MILLRACE_RETURN_IF_ERROR(flush());
    path_.clear();
    return ok_status();
  }

 private:
  RowFile(std::string path, process::OwnedFd file)
      : path_(std::move(path)), file_(std::move(file)) {}

  Status flush() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const ssize_t count = ::write(file_.get(), rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return file_error("writing", path_, errno);
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    buffer_.clear();
    return ok_status();
  }

  std::string path_;
  process::OwnedFd file_;
  std::string buffer_;
  std::int64_t bytes_ = 0;
};

std::string head_of(const Schema& schema, RowFormat format) {
  std::string head = format == RowFormat::kJson ? "{\"columns\":[" : "";
  bool first = true;
  for (const ColumnSpec& column : schema.columns) {
    if (!std::exchange(first, false)) head += ',';
    if (format == RowFormat::kCsv) {
      append_csv_text(column.name, head);
      continue;
    }
    head += "{\"name\":";
    append_json_text(column.name, head);
    head += ",\"type\":";
    append_json_text(column.type, head);
    head += '}';
  }
  return head + (format == RowFormat::kJson ? "],\n\"rows\":[" : "\n");
}

void append_row(const std::vector<RowColumn>& columns, duckdb_data_chunk chunk, idx_t row,
                RowFormat format, bool first, std::string& out) {
  if (format == RowFormat::kJson) {
    out += first ? "\n" : ",\n";
    return append_object(columns, chunk, 0, row, out);
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ',';
    columns[i].append(duckdb_data_chunk_get_vector(chunk, i), row, out);
  }
  out += '\n';
}

Error row_too_large(std::int64_t bytes, std::int64_t limit) {
  return {ErrorClass::kUser, "query.row_too_large",
          "the first row has " + std::to_string(bytes) + " bytes, an answer at most " +
              std::to_string(limit),
          "select less of it"};
}

}  // namespace

void append_object(const std::vector<RowColumn>& columns, duckdb_data_chunk chunk, idx_t first,
                   idx_t row, std::string& out) {
  out += '{';
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ',';
    out += columns[i].key();
    columns[i].append(duckdb_data_chunk_get_vector(chunk, first + i), row, out);
  }
  out += '}';
}

Result<WrittenRows> write_rows(ResultSet& rows, const std::vector<RowColumn>& columns,
                               const Schema& schema, RowFormat format, const RowLimits& limits,
                               const std::string& path, const Watch& watch) {
  MILLRACE_TRY(file, RowFile::make(path, 0600));
  MILLRACE_RETURN_IF_ERROR(file.write(head_of(schema, format)));
  WrittenRows written;
  std::string text;
  while (!written.truncated) {
    MILLRACE_TRY(chunk, fetch_rows(rows, Author::kUsers, watch.stop));
    if (chunk.get() == nullptr) break;
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk.get()); ++row) {
      text.clear();
      append_row(columns, chunk.get(), row, format, written.rows == 0, text);
      const auto bytes = static_cast<std::int64_t>(text.size());
      const bool too_large = file.bytes() + bytes > limits.max_bytes;
      if (too_large && written.rows == 0) return row_too_large(bytes, limits.max_bytes);
      written.truncated = too_large || written.rows == limits.max_rows;
      if (written.truncated) break;
      MILLRACE_RETURN_IF_ERROR(file.write(text));
      watch.activity.rows_written = ++written.rows;
    }
  }
  if (format == RowFormat::kJson)
    MILLRACE_RETURN_IF_ERROR(file.write(std::string("\n],\n\"truncated\":") +
                                        (written.truncated ? "true" : "false") + "}\n"));
  MILLRACE_RETURN_IF_ERROR(file.keep());
  written.bytes = file.bytes();
  watch.activity.bytes_written += written.bytes;
  return written;
}

Result<std::int64_t> write_ndjson(ResultSet& rows, const std::vector<RowColumn>& columns,
                                  const std::string& path, const Watch& watch,
                                  const std::function<void()>& look) {
  MILLRACE_TRY(file, RowFile::make(path, 0666));
  std::int64_t written = 0;
  std::string text;
  for (;;) {
    MILLRACE_TRY(chunk, fetch_rows(rows, Author::kOurs, watch.stop));
    if (chunk.get() == nullptr) break;
    const idx_t count = duckdb_data_chunk_get_size(chunk.get());
    for (idx_t row = 0; row < count; ++row) {
      text.clear();
      append_object(columns, chunk.get(), 0, row, text);
      text += '\n';
      MILLRACE_RETURN_IF_ERROR(file.write(text));
    }
    written += static_cast<std::int64_t>(count);
    look();
  }
  MILLRACE_RETURN_IF_ERROR(file.keep());
  return written;
}

}  // namespace millrace::kernel
