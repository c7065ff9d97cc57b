#include "workers/kernel/text_source.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/overloaded.h"
#include "workers/kernel/json_text.h"
#include "workers/kernel/type_inference.h"

namespace millrace::kernel {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

Error no_header(const SourceFile& file) {
  return {ErrorClass::kUser, "ingest.header", quoted(printable(file.path)) + " has no header",
          "say \"header: false\" for files without one"};
}

ScanOptions options_of(const TextFormat& format, std::size_t columns) {
  return std::visit(
      Overloaded{[&](const CsvFormat& csv) {
                   return ScanOptions{.quote = csv.quote,
                                      .delimiter = csv.delimiter,
                                      .skip = csv.header ? 1U : 0U,
                                      // With one column an empty line is a null.
                                      .empty_records = columns == 1};
                 },
                 [](const NdjsonFormat&) { return ScanOptions{.quote = std::nullopt}; }},
      format);
}

Result<RecordScanner> scan_file(const TextSource& source, const SourceFile& file,
                                const ScanOptions& options, const std::stop_token& stop) {
  MILLRACE_TRY(descriptor, open_below(file.path, source.roots));
  MILLRACE_TRY(bytes, open_byte_source(std::move(descriptor), source.compression,
                                       printable(file.path), stop));
  return RecordScanner(std::move(bytes), options);
}

// Whether lines that end in CR alone would look like this first record.
bool holds_carriage_returns(const RecordSpan& first, std::string_view bytes,
                            const FieldList& fields) {
  if (first.fault == RecordFault::kTooLong)
    return bytes.find('\r') != std::string_view::npos && bytes.find('\n') == std::string_view::npos;
  return std::ranges::any_of(fields, [](const Field& field) {
    return field.kind == FieldKind::kText && field.text().find('\r') != std::string_view::npos;
  });
}

// Whether the block's one record is all that its file has: where another one follows, line feeds
// end the lines, and a CR is a byte of its field.
Result<bool> is_whole_file(const RecordBlock& block, RecordScanner& scanner) {
  if (block.records.size() > 1) return false;
  RecordBlock rest;
  MILLRACE_TRY(more, scanner.next(rest));
  return !more;
}

// The names that the first record gives, or column0, column1, … in a file without a header. Empty
// when the file has no record.
Result<std::vector<std::string>> read_header(const TextSource& source, const CsvFormat& csv,
                                             const SourceFile& file, const std::stop_token& stop) {
  ScanOptions options = options_of(source.format, 0);
  options.skip = 0;
  options.block_bytes = 64 << 10;
  MILLRACE_TRY(scanner, scan_file(source, file, options, stop));
  RecordBlock block;
  MILLRACE_TRY(any, scanner.next(block));
  std::vector<std::string> names;
  if (!any) return names;
  CsvFields splitter(csv);
  FieldList fields;
  const RecordSpan& first = block.records.front();
  const FieldFault fault = splitter.split(block.bytes_of(first), fields);
  if (holds_carriage_returns(first, block.bytes_of(first), fields)) {
    MILLRACE_TRY(alone, is_whole_file(block, scanner));
    if (alone)
      return Error{
          ErrorClass::kUser, "ingest.header",
          "the lines of " + quoted(printable(file.path)) + " end in carriage returns alone",
          "end them in LF or CRLF"};
  }
  if (first.fault != RecordFault::kNone || fault != FieldFault::kNone)
    return Error{ErrorClass::kUser, "ingest.header",
                 "the first record of " + quoted(printable(file.path)) + " is damaged",
                 "look at its quotes, and at csv.quote"};
  for (const Field& field : fields) {
    const std::string number = "column" + std::to_string(names.size());
    names.push_back(csv.header && !field.null() ? std::string(field.text()) : number);
  }
  return names;
}

// Whether a first record begins an array of objects, or an empty one.
bool begins_array(std::string_view record) {
  constexpr std::string_view kSpaces = " \t\r";
  const std::size_t bracket = record.find_first_not_of(kSpaces);
  if (bracket == std::string_view::npos || record[bracket] != '[') return false;
  const std::size_t next = record.find_first_not_of(kSpaces, bracket + 1);
  return next == std::string_view::npos || record[next] == '{' || record[next] == ']';
}

// A file that is one JSON array, on one line or on many, is told as what it is: each of its lines
// would be a bad row. An array that other lines follow is one of those.
Status check_no_array(const TextSource& source, const SourceFile& file,
                      const std::stop_token& stop) {
  ScanOptions options = options_of(source.format, 0);
  options.block_bytes = 64 << 10;
  MILLRACE_TRY(scanner, scan_file(source, file, options, stop));
  RecordBlock block;
  MILLRACE_TRY(any, scanner.next(block));
  if (!any || !begins_array(block.bytes_of(block.records.front()))) return ok_status();
  if (is_json(block.bytes_of(block.records.front()))) {
    MILLRACE_TRY(alone, is_whole_file(block, scanner));
    if (!alone) return ok_status();
  }
  return Error{ErrorClass::kUser, "ingest.json_array",
               quoted(printable(file.path)) + " is one JSON array",
               "write one object a line: `jq -c '.[]'` makes such a file of it"};
}

Schema schema_of_names(const std::vector<std::string>& names) {
  Schema schema;
  for (const std::string& name : names) schema.columns.push_back({name, "VARCHAR", true});
  return schema;
}

// A sample's columns, in the order of their first appearance.
struct Sample {
  std::vector<std::string> names;
  std::vector<TypeGuess> guesses;

  TypeGuess& of(const std::string& name) {
    const auto found = std::ranges::find(names, name);
    const auto place = static_cast<std::size_t>(found - names.begin());
    if (found == names.end()) {
      names.push_back(name);
      guesses.emplace_back();
    }
    return guesses[place];
  }
};

// Calls look(record) for the first records of the first file; bad ones are for the ingest to
// reject.
template <typename Look>
Status each_sample(const TextSource& source, const ScanOptions& options,
                   const std::stop_token& stop, Look look) {
  MILLRACE_TRY(scanner, scan_file(source, source.files.front(), options, stop));
  RecordBlock block;
  for (std::size_t seen = 0; seen < kSampleRecords;) {
    MILLRACE_TRY(more, scanner.next(block));
    if (!more) break;
    for (const RecordSpan& span : block.records) {
      if (++seen > kSampleRecords) break;
      if (span.fault == RecordFault::kNone) look(block.bytes_of(span));
    }
  }
  return ok_status();
}

Status sample_csv(const TextSource& source, const CsvFormat& csv,
                  const std::vector<std::string>& header, Sample& sample,
                  const std::stop_token& stop) {
  sample.names = header;
  sample.guesses.resize(header.size());
  CsvFields splitter(csv);
  FieldList fields;
  return each_sample(
      source, options_of(source.format, header.size()), stop, [&](std::string_view record) {
        if (splitter.split(record, fields) != FieldFault::kNone || fields.size() != header.size())
          return;
        for (std::size_t i = 0; i < fields.size(); ++i) sample.guesses[i].see(fields[i]);
      });
}

Status sample_ndjson(const TextSource& source, Sample& sample, const std::stop_token& stop) {
  JsonFields reader({}, true);
  std::vector<NamedField> fields;
  return each_sample(source, options_of(source.format, 0), stop, [&](std::string_view record) {
    if (reader.read_all(record, fields) != FieldFault::kNone) return;
    for (const NamedField& named : fields)
      if (sample.names.size() <= kMaxColumns) sample.of(named.name).see(named.field);
  });
}

// Stated columns hold their types; without a header they stand for the fields in order.
Status check_stated(const TextSource& source, TextLayout& layout) {
  const auto* csv = std::get_if<CsvFormat>(&source.format);
  if (csv == nullptr) return ok_status();
  const std::string file = quoted(printable(source.files.front().path));
  if (!csv->header) {
    if (!layout.header.empty() && layout.header.size() != layout.schema.columns.size())
      return Error{ErrorClass::kUser, "ingest.column_missing",
                   file + " has " + std::to_string(layout.header.size()) +
                       " fields a record, and the schema " +
                       std::to_string(layout.schema.columns.size()) + " columns",
                   "without a header the schema names every field, in order"};
    layout.header.clear();
    for (const ColumnSpec& column : layout.schema.columns) layout.header.push_back(column.name);
    return ok_status();
  }
  for (const ColumnSpec& column : layout.schema.columns)
    if (std::ranges::find(layout.header, column.name) == layout.header.end())
      return Error{ErrorClass::kUser, "ingest.column_missing",
                   "the header of " + file + " has no column " + quoted(column.name),
                   "names count with their case; mend into.schema or the file"};
  return ok_status();
}

Status infer(const TextSource& source, TextLayout& layout, const std::stop_token& stop) {
  Sample sample;
  if (const auto* csv = std::get_if<CsvFormat>(&source.format); csv != nullptr)
    MILLRACE_RETURN_IF_ERROR(sample_csv(source, *csv, layout.header, sample, stop));
  else
    MILLRACE_RETURN_IF_ERROR(sample_ndjson(source, sample, stop));
  for (std::size_t i = 0; i < sample.names.size(); ++i)
    layout.schema.columns.push_back({sample.names[i], std::string(sample.guesses[i].type()), true});
  if (layout.schema.columns.empty())
    return Error{
        ErrorClass::kUser, "ingest.no_columns",
        quoted(printable(source.files.front().path)) + " has no record to infer columns from",
        "state them in into.schema"};
  return ok_status();
}

}  // namespace

Result<TextLayout> read_layout(const TextSource& source, const std::stop_token& stop) {
  TextLayout layout;
  layout.schema = source.stated;
  layout.inferred = source.stated.columns.empty();
  if (const auto* csv = std::get_if<CsvFormat>(&source.format); csv != nullptr) {
    MILLRACE_TRY(header, read_header(source, *csv, source.files.front(), stop));
    if (header.empty() && csv->header) return no_header(source.files.front());
    MILLRACE_RETURN_IF_ERROR(check_column_names(schema_of_names(header)));
    layout.header = std::move(header);
  } else {
    MILLRACE_RETURN_IF_ERROR(check_no_array(source, source.files.front(), stop));
  }
  if (layout.inferred)
    MILLRACE_RETURN_IF_ERROR(infer(source, layout, stop));
  else
    MILLRACE_RETURN_IF_ERROR(check_stated(source, layout));
  MILLRACE_RETURN_IF_ERROR(check_column_names(layout.schema));
  if (layout.schema.columns.size() > kMaxColumns)
    return Error{ErrorClass::kUser, "ingest.too_many_columns",
                 "there are more than " + std::to_string(kMaxColumns) + " columns",
                 "choose some by into.schema"};
  for (ColumnSpec& column : layout.schema.columns) {
    MILLRACE_TRY(type, parse_column_type(column.type));
    column.type = type.sql;
    layout.types.push_back(std::move(type));
  }
  return layout;
}

Result<OpenText> open_text(const TextSource& source, const TextLayout& layout,
                           const SourceFile& file, const std::stop_token& stop) {
  std::vector<std::string> header = layout.header;
  if (const auto* csv = std::get_if<CsvFormat>(&source.format); csv != nullptr && csv->header) {
    MILLRACE_TRY(own, read_header(source, *csv, file, stop));
    if (own.empty()) return no_header(file);
    std::vector<std::string> sorted = own;
    std::vector<std::string> wanted = header;
    std::ranges::sort(sorted);
    std::ranges::sort(wanted);
    if (sorted != wanted)
      return Error{ErrorClass::kUser, "ingest.header",
                   "the header of " + quoted(printable(file.path)) +
                       " names other columns than that of " +
                       quoted(printable(source.files.front().path)),
                   "ingest files of different columns in tasks of their own"};
    header = std::move(own);
  }
  // The first file was looked at for the layout.
  if (std::holds_alternative<NdjsonFormat>(source.format) && file.path != source.files.front().path)
    MILLRACE_RETURN_IF_ERROR(check_no_array(source, file, stop));
  MILLRACE_TRY(scanner, scan_file(source, file, options_of(source.format, header.size()), stop));
  return OpenText{std::make_unique<RecordScanner>(std::move(scanner)), std::move(header)};
}

RowReader::RowReader(const TextFormat& format, const TextLayout& layout)
    : reader_(CsvFields(CsvFormat{})) {
  for (const ColumnSpec& column : layout.schema.columns) columns_.push_back(column.name);
  std::visit(Overloaded{[&](const CsvFormat& csv) { reader_.emplace<CsvFields>(csv); },
                        [&](const NdjsonFormat&) {
                          std::vector<bool> raw(layout.types.size());
                          for (std::size_t i = 0; i < raw.size(); ++i)
                            raw[i] = layout.types[i].kind == TypeKind::kJson;
                          reader_.emplace<JsonFields>(columns_, !layout.inferred, std::move(raw));
                        }},
             format);
  set_header(layout.header);
}

void RowReader::set_header(const std::vector<std::string>& header) {
  header_ = header;
  in_order_ = header_ == columns_;
  field_of_column_.clear();
  for (const std::string& column : columns_)
    field_of_column_.push_back(
        static_cast<std::size_t>(std::ranges::find(header_, column) - header_.begin()));
}

FieldFault RowReader::read(std::string_view record, FieldList& fields, std::string& column) {
  column.clear();
  if (auto* json = std::get_if<JsonFields>(&reader_); json != nullptr)
    return json->read(record, fields);
  FieldList& split = in_order_ ? fields : record_fields_;
  const FieldFault fault = std::get<CsvFields>(reader_).split(record, split);
  if (fault != FieldFault::kNone) return fault;
  if (split.size() > header_.size()) return FieldFault::kExtraField;
  if (split.size() < header_.size()) {
    column = header_[split.size()];
    return FieldFault::kMissingField;
  }
  if (in_order_) return FieldFault::kNone;
  fields.clear();
  for (const std::size_t place : field_of_column_) fields.add(record_fields_[place]);
  return FieldFault::kNone;
}

}  // namespace millrace::kernel
