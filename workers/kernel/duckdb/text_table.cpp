#include "workers/kernel/duckdb/text_table.h"

#include <simdjson.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/utf8.h"

namespace millrace::kernel {
namespace {

// A row's place for the check: its block's id and its record in it.
constexpr unsigned kRecordBits = 32;
// put_inlined() masks words as they lie in memory, and the engine has no other order either.
static_assert(std::endian::native == std::endian::little);
constexpr std::size_t kMaxShownBytes = 64;

// Writes texts into a VARCHAR vector of the engine.
class TextColumn {
 public:
  void start(duckdb_vector vector) {
    vector_ = vector;
    texts_ = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
    validity_ = nullptr;
  }
  void put(idx_t row, const Field& field) {
    if (field.null()) {
      put_null(row);
    } else if (constexpr std::uint32_t kInlined = 12; field.length <= kInlined) {
      put_inlined(row, field);
    } else {
      duckdb_unsafe_vector_assign_string_element_len(vector_, row, field.data, field.length);
    }
  }

 private:
  // The engine compares short texts whole, so what lies behind them must be zeros. Two loads of a
  // fixed size, which the field's padding allows, and two masks.
  void put_inlined(idx_t row, const Field& field) {
    std::uint64_t head = 0;
    std::uint32_t tail = 0;
    std::memcpy(&head, field.data, sizeof head);
    std::memcpy(&tail, field.data + sizeof head, sizeof tail);
    head &= field.length >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * field.length)) - 1;
    tail &= field.length <= 8    ? 0
            : field.length == 12 ? ~std::uint32_t{0}
                                 : (std::uint32_t{1} << (8 * (field.length - 8))) - 1;
    duckdb_string_t& text = texts_[row];
    text.value.inlined.length = field.length;
    std::memcpy(text.value.inlined.inlined, &head, sizeof head);
    std::memcpy(text.value.inlined.inlined + sizeof head, &tail, sizeof tail);
  }
  void put_null(idx_t row) {
    if (validity_ == nullptr) {
      duckdb_vector_ensure_validity_writable(vector_);
      validity_ = duckdb_vector_get_validity(vector_);
    }
    duckdb_validity_set_row_invalid(validity_, row);
  }

  duckdb_vector vector_ = nullptr;
  duckdb_string_t* texts_ = nullptr;
  std::uint64_t* validity_ = nullptr;
};

// The converted values of a column, as far as they tell whether a number was too great for its
// type.
class Overflow {
 public:
  Overflow(const ColumnType& type, duckdb_vector values)
      : narrow_(type.sql == "FLOAT"),
        values_(type.kind == TypeKind::kFloat && !type.list ? duckdb_vector_get_data(values)
                                                            : nullptr) {}

  // The engine reads 1e400 as infinity; a text that says so itself has letters and no digits.
  bool at(idx_t row, std::string_view text) const {
    if (values_ == nullptr) return false;
    const bool infinite = narrow_ ? std::isinf(static_cast<const float*>(values_)[row])
                                  : std::isinf(static_cast<const double*>(values_)[row]);
    return infinite && text.find_first_of("0123456789") != std::string_view::npos;
  }

 private:
  bool narrow_;
  const void* values_;  // none where no number can be too great
};

// A text as a message may show it: cut short at a character's begin.
std::string shown(std::string_view text) {
  const std::string_view start = text.substr(0, whole_characters(text, kMaxShownBytes));
  return "\"" + std::string(start) + (start.size() < text.size() ? "…\"" : "\"");
}

std::string message_of(FieldFault fault, const std::string& column) {
  switch (fault) {
    case FieldFault::kStrayText:
      return "text stands between a closing quote and the next delimiter";
    case FieldFault::kMissingField:
      return "the record ends before column \"" + column + "\"";
    case FieldFault::kExtraField:
      return "the record has a field that is no column";
    case FieldFault::kNotUtf8:
      return "the record is not UTF-8";
    case FieldFault::kNotAnObject:
      return "the line is no JSON object";
    case FieldFault::kDuplicateField:
      return "the record has a field twice";
    case FieldFault::kNone:
      break;
  }
  return "";
}

void set_text_error(duckdb_function_info info, const std::string& message) {
  duckdb_function_set_error(info, message.c_str());
}

TextTable& table_of(void* extra) { return *static_cast<TextTable*>(extra); }

void bind_table(duckdb_bind_info info) {
  const TextTable& table = table_of(duckdb_bind_get_extra_info(info));
  const LogicalType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
  const LogicalType place(duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT));
  for (std::size_t i = 0; i < table.layout().types.size(); ++i)
    duckdb_bind_add_result_column(info, ("c" + std::to_string(i)).c_str(), text.get());
  duckdb_bind_add_result_column(info, "place", place.get());
}

}  // namespace

struct TextTable::Local {
  Block block;
  std::size_t next = 0;  // record in the block
  std::size_t header_of_file = static_cast<std::size_t>(-1);
  RowReader reader;
  FieldList fields;
  std::vector<TextColumn> columns;
  TextTable& table;

  explicit Local(TextTable& owner)
      : reader(owner.source_.format, owner.layout_),
        columns(owner.layout_.types.size()),
        table(owner) {}
};

namespace {

void init_table(duckdb_init_info info) {
  constexpr idx_t kAsManyAsGranted = 64;
  duckdb_init_set_max_threads(info, kAsManyAsGranted);
}

void init_thread(duckdb_init_info info) {
  TextTable& table = table_of(duckdb_init_get_extra_info(info));
  duckdb_init_set_init_data(info, table.make_local().release(), [](void* data) {
    const std::unique_ptr<TextTable::Local> local(static_cast<TextTable::Local*>(data));
    local->table.forget(*local);
  });
}

void scan_table(duckdb_function_info info, duckdb_data_chunk output) {
  TextTable& table = table_of(duckdb_function_get_extra_info(info));
  table.scan(*static_cast<TextTable::Local*>(duckdb_function_get_local_init_data(info)), output,
             info);
}

void accept_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  table_of(duckdb_scalar_function_get_extra_info(info)).accept(input, output, info);
}

}  // namespace

TextTable::TextTable(const TextSource& source, const TextLayout& layout, RejectLog& rejects,
                     const Watch& watch)
    : source_(source), layout_(layout), rejects_(rejects), watch_(watch) {
  for (const SourceFile& file : source.files) total_bytes_ += static_cast<std::int64_t>(file.bytes);
}

Status TextTable::register_in(Session& session, const std::string& name) {
  name_ = name;
  const TableFunction table(duckdb_create_table_function());
  duckdb_table_function_set_name(table.get(), (name + "_rows").c_str());
  duckdb_table_function_set_extra_info(table.get(), this, nullptr);
  duckdb_table_function_set_bind(table.get(), bind_table);
  duckdb_table_function_set_init(table.get(), init_table);
  duckdb_table_function_set_local_init(table.get(), init_thread);
  duckdb_table_function_set_function(table.get(), scan_table);
  const ScalarFunction check(duckdb_create_scalar_function());
  const LogicalType any(duckdb_create_logical_type(DUCKDB_TYPE_ANY));
  const LogicalType boolean(duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN));
  duckdb_scalar_function_set_name(check.get(), (name + "_accept").c_str());
  duckdb_scalar_function_set_varargs(check.get(), any.get());
  duckdb_scalar_function_set_return_type(check.get(), boolean.get());
  duckdb_scalar_function_set_special_handling(check.get());
  // It writes down what it refuses, so it must run once a row, and where it stands.
  duckdb_scalar_function_set_volatile(check.get());
  duckdb_scalar_function_set_extra_info(check.get(), this, nullptr);
  duckdb_scalar_function_set_function(check.get(), accept_rows);
  if (duckdb_register_table_function(session.connection(), table.get()) == DuckDBError ||
      duckdb_register_scalar_function(session.connection(), check.get()) == DuckDBError)
    return Error{ErrorClass::kInfrastructure, "engine.failed",
                 "the engine does not take the text reader"};
  return ok_status();
}

bool TextTable::is_checked(std::size_t column) const {
  const bool text = layout_.types[column].kind == TypeKind::kText && !layout_.types[column].list;
  return !text || !layout_.schema.columns[column].nullable;
}

// Whether a text that converts may still be none of the type's. What NDJSON has as a value is JSON,
// or its record was none (json_fields.h).
bool TextTable::is_looked_at(const ColumnType& type) const {
  const bool json = type.kind == TypeKind::kJson && !type.list;
  return !every_text_fits(type) && !(json && std::holds_alternative<NdjsonFormat>(source_.format));
}

// The check stands in the same projection as the conversions, which the engine then makes once; as
// a filter of its own it would be pushed below them, and they would be made twice.
std::string TextTable::select() const {
  std::string values;
  std::string names;
  std::string checked = "place";
  for (std::size_t i = 0; i < layout_.types.size(); ++i) {
    const std::string text = "c" + std::to_string(i);
    const std::string value = cast_expression(layout_.types[i], text);
    values += value + " AS v" + std::to_string(i) + ", ";
    if (!names.empty()) names += ", ";
    names += "v" + std::to_string(i) + " AS " + sql_identifier(layout_.schema.columns[i].name);
    if (is_checked(i)) checked.append(", ").append(text).append(", ").append(value);
  }
  return "SELECT " + names + " FROM (SELECT " + values + name_ + "_accept(" + checked +
         ") AS accepted FROM " + name_ + "_rows()) WHERE accepted";
}

std::optional<Error> TextTable::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

std::string TextTable::fail(Error error) {
  const std::lock_guard lock(mutex_);
  std::string text = error.to_text();
  if (!error_.has_value()) error_ = std::move(error);
  return text;
}

std::unique_ptr<TextTable::Local> TextTable::make_local() { return std::make_unique<Local>(*this); }

void TextTable::forget(const Local& local) {
  const std::lock_guard lock(mutex_);
  live_.erase(local.block.id);
}

// Reading and finding records is one thread's work at a time; cutting them into fields is not.
Result<bool> TextTable::take_block(Local& local) {
  {
    const std::lock_guard lock(mutex_);
    live_.erase(local.block.id);
    if (error_.has_value()) return *error_;
    for (;;) {
      if (open_.scanner == nullptr) {
        if (next_file_ == source_.files.size()) return false;
        MILLRACE_TRY(opened, open_text(source_, layout_, source_.files[next_file_], watch_.stop));
        open_ = std::move(opened);
        ++next_file_;
      }
      MILLRACE_TRY(more, open_.scanner->next(local.block.records));
      const std::int64_t consumed =
          consumed_before_ + static_cast<std::int64_t>(open_.scanner->consumed());
      watch_.activity.bytes_read = consumed;
      if (total_bytes_ > 0)
        watch_.activity.fraction =
            static_cast<double>(consumed) / static_cast<double>(total_bytes_);
      if (more) break;
      consumed_before_ = consumed;
      open_.scanner.reset();
    }
    local.block.id = ++next_block_;
    local.block.file = next_file_ - 1;
    live_[local.block.id] = &local.block;
    if (local.header_of_file != local.block.file) {
      local.reader.set_header(open_.header);
      local.header_of_file = local.block.file;
    }
  }
  const std::string_view bytes = local.block.records.all();
  local.block.valid_utf8 = simdjson::validate_utf8(bytes.data(), bytes.size());
  local.next = 0;
  return true;
}

// Rows of one block, until the chunk is full or the block at its end.
Result<idx_t> TextTable::fill(Local& local, duckdb_data_chunk output) {
  const std::size_t columns = local.columns.size();
  for (std::size_t i = 0; i < columns; ++i)
    local.columns[i].start(duckdb_data_chunk_get_vector(output, i));
  auto* const places = static_cast<std::uint64_t*>(
      duckdb_vector_get_data(duckdb_data_chunk_get_vector(output, columns)));
  const idx_t most = duckdb_vector_size();
  const Block& block = local.block;
  std::string column;
  idx_t row = 0;
  for (; row < most && local.next < block.records.records.size(); ++local.next) {
    const RecordSpan& span = block.records.records[local.next];
    const std::string_view record = block.records.bytes_of(span);
    if (span.fault != RecordFault::kNone) {
      const bool quote = span.fault == RecordFault::kUnclosedQuote;
      MILLRACE_RETURN_IF_ERROR(
          reject(block, local.next, "", quote ? "record.unclosed_quote" : "record.too_long",
                 quote ? "a quote opens and does not close" : "the record is longer than 2 MiB"));
      continue;
    }
    FieldFault fault = FieldFault::kNone;
    if (!block.valid_utf8 && !simdjson::validate_utf8(record.data(), record.size()))
      fault = FieldFault::kNotUtf8;
    else
      fault = local.reader.read(record, local.fields, column);
    if (fault != FieldFault::kNone) {
      MILLRACE_RETURN_IF_ERROR(reject_fault(block, local.next, fault, column));
      column.clear();
      continue;
    }
    for (std::size_t i = 0; i < columns; ++i) local.columns[i].put(row, local.fields[i]);
    places[row++] = block.id << kRecordBits | local.next;
  }
  watch_.activity.rows_read += static_cast<std::int64_t>(row);
  return row;
}

void TextTable::scan(Local& local, duckdb_data_chunk output, duckdb_function_info info) {
  idx_t rows = 0;
  while (rows == 0) {
    if (local.next == local.block.records.records.size()) {
      const Result<bool> more = take_block(local);
      if (!more.ok()) return set_text_error(info, fail(more.error()));
      if (!*more) break;
    }
    const Result<idx_t> filled = fill(local, output);
    if (!filled.ok()) return set_text_error(info, fail(filled.error()));
    rows = *filled;
  }
  duckdb_data_chunk_set_size(output, rows);
}

// place, text, value, text, value, … → whether the row is good. A value is bad where it is NULL and
// the text is not, where the text would lose something, and where it may not be NULL.
void TextTable::accept(duckdb_data_chunk input, duckdb_vector output, duckdb_function_info info) {
  const idx_t rows = duckdb_data_chunk_get_size(input);
  auto* const accepted = static_cast<bool*>(duckdb_vector_get_data(output));
  const auto* const places = static_cast<const std::uint64_t*>(
      duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0)));
  std::fill_n(accepted, rows, true);
  idx_t argument = 1;
  for (std::size_t column = 0; column < layout_.types.size(); ++column) {
    if (!is_checked(column)) continue;
    duckdb_vector text = duckdb_data_chunk_get_vector(input, argument);
    duckdb_vector value = duckdb_data_chunk_get_vector(input, argument + 1);
    argument += 2;
    const std::uint64_t* const has_text = duckdb_vector_get_validity(text);
    const std::uint64_t* const has_value = duckdb_vector_get_validity(value);
    const bool nullable = layout_.schema.columns[column].nullable;
    const ColumnType& type = layout_.types[column];
    const bool integer = type.kind == TypeKind::kInteger && !type.list;
    const bool look = is_looked_at(type);
    const Overflow overflow(type, value);
    const auto* const texts = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(text));
    if (!look && nullable && has_value == nullptr) continue;
    for (idx_t row = 0; row < rows; ++row) {
      const bool present = valid_at(has_text, row);
      bool good = present ? valid_at(has_value, row) : nullable;
      if (good && present && look) {
        const std::string_view characters = view_of(texts[row]);
        good = (integer && is_plain_integer(characters)) ||
               (text_fits(type, characters) && !overflow.at(row, characters));
      }
      if (good || !accepted[row]) continue;
      accepted[row] = false;
      if (const Status status = reject_value(places[row], column, text, row); !status.ok())
        return duckdb_scalar_function_set_error(info, fail(status.error()).c_str());
    }
  }
}

Status TextTable::reject_value(std::uint64_t place, std::size_t column, duckdb_vector text,
                               idx_t row) {
  const Block* block = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(place >> kRecordBits);
    if (found != live_.end()) block = found->second;
  }
  // The engine takes a chunk through projection and filter before it asks for the next one.
  MILLRACE_CHECK(block != nullptr, "a row outlived its block");
  const std::size_t record = place & ((std::uint64_t{1} << kRecordBits) - 1);
  const std::string& name = layout_.schema.columns[column].name;
  if (!valid_at(duckdb_vector_get_validity(text), row))
    return reject(*block, record, name, "value.null", "a null, and the column takes none");
  return reject(*block, record, name, "value.type",
                shown(text_at(text, row)) + " is no " + layout_.types[column].sql);
}

Status TextTable::reject_fault(const Block& block, std::size_t record, FieldFault fault,
                               const std::string& column) {
  return reject(block, record, column, code_of(fault), message_of(fault, column));
}

Status TextTable::reject(const Block& block, std::size_t record, std::string_view column,
                         std::string_view code, std::string message) {
  const RecordSpan& span = block.records.records[record];
  return rejects_.add({.file = printable(source_.files[block.file].path),
                       .record = block.records.first_record + record,
                       .line = block.records.first_line + span.line,
                       .byte_offset = block.records.offset + span.begin,
                       .column = std::string(column),
                       .error_class = std::string(code),
                       .message = std::move(message),
                       .raw = std::string(block.records.bytes_of(span))});
}

}  // namespace millrace::kernel
