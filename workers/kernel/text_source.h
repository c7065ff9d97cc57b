// TextSource: files of CSV or NDJSON as a task names them, and TextLayout: which column takes which
// field of a record, and its type.
//
// A stated schema chooses: fields that it does not name are not read, and a column that a CSV
// header lacks is an error. An inferred one covers: it holds every field of the sample's records
// (the first kSampleRecords of the first file), and a later record with another field is a bad row.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "workers/kernel/byte_source.h"
#include "workers/kernel/csv_fields.h"
#include "workers/kernel/json_fields.h"
#include "workers/kernel/record_scanner.h"
#include "workers/kernel/schema.h"
#include "workers/kernel/source_files.h"
#include "workers/kernel/type_map.h"

namespace millrace::kernel {

struct NdjsonFormat {};
using TextFormat = std::variant<CsvFormat, NdjsonFormat>;

struct TextSource {
  std::vector<SourceFile> files;   // at least one
  std::vector<std::string> roots;  // see source_files.h
  Compression compression = Compression::kAuto;
  TextFormat format;
  Schema stated;  // empty: inferred
};

inline constexpr std::size_t kSampleRecords = 20'480;
inline constexpr std::size_t kMaxColumns = 2'000;

struct TextLayout {
  Schema schema;                    // types in their canonical names
  std::vector<ColumnType> types;    // of its columns
  std::vector<std::string> header;  // CSV: the fields of a record, in order
  bool inferred = false;
};

// Looks at the first file, and at the sample when the schema is to be inferred. Errors (user):
// ingest.header, ingest.json_array, ingest.column_missing, ingest.no_columns, schema.*; and
// source.*, task.cancelled.
Result<TextLayout> read_layout(const TextSource& source, const std::stop_token& stop);

// Opens one file for scanning, behind its header, which must name the same fields as the layout's
// (in any order). `header` gets its own order. What reads it hears of `stop` (byte_source.h).
struct OpenText {
  std::unique_ptr<RecordScanner> scanner;
  std::vector<std::string> header;
};
Result<OpenText> open_text(const TextSource& source, const TextLayout& layout,
                           const SourceFile& file, const std::stop_token& stop);

// Reads a record into one field for each column. Not thread-safe: one for each thread.
class RowReader {
 public:
  RowReader(const TextFormat& format, const TextLayout& layout);

  // From here on, records have their fields in this order (CSV).
  void set_header(const std::vector<std::string>& header);
  // The record must have kRecordPadding readable bytes behind it. The fields live until the next
  // call. On a fault, `column` is its column's name, or empty.
  FieldFault read(std::string_view record, FieldList& fields, std::string& column);

 private:
  std::variant<CsvFields, JsonFields> reader_;
  std::vector<std::string> columns_;
  std::vector<std::string> header_;
  bool in_order_ = false;  // a record's fields are the columns, one for one
  std::vector<std::size_t> field_of_column_;
  FieldList record_fields_;
};

}  // namespace millrace::kernel
