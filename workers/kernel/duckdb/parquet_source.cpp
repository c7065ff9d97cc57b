#include "workers/kernel/duckdb/parquet_source.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/text.h"
#include "workers/kernel/duckdb/parquet_output.h"
#include "workers/kernel/duckdb/storable.h"
#include "workers/kernel/rejected_record.h"

namespace millrace::kernel {
namespace {

constexpr const char* kTextFits = "millrace_text_fits";
constexpr std::string_view kRecordColumn = "file_row_number";
constexpr int kMaxDecimalDigits = 38;

Error unfit(std::string message, std::string hint) {
  return Error{ErrorClass::kUser, "ingest.parquet", std::move(message), std::move(hint)};
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// A file's columns as it says itself: the engine renames one whose name is there twice.
struct Footer {
  Schema columns;                        // without types
  std::map<std::string, Error> refused;  // of those that the engine would read as something else
  std::vector<std::string> fingerprint;  // of all that counts for the types
};

Result<Footer> read_footer(Session& session, const std::string& path) {
  MILLRACE_TRY(
      rows, session.rows("SELECT name, num_children::VARCHAR, logical_type, concat_ws('|', name, "
                         "type, type_length, num_children, converted_type, scale, precision, "
                         "logical_type), precision::VARCHAR, converted_type FROM parquet_schema(" +
                         sql_literal(path) + ")"));
  Footer footer;
  // The first row is the root's; each row's children follow it.
  std::size_t nested = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const Session::Row& row = rows[i];
    if (nested > 0)
      --nested;
    else
      footer.columns.columns.push_back({row[0].value_or(""), "", true});
    nested += number_of<std::size_t>(row[1].value_or("0")).value_or(0);
    const auto refuse = [&](const std::string& what, const std::string& instead) {
      const std::string& column = footer.columns.columns.back().name;
      footer.refused.emplace(column, unfit("column " + quoted(column) + " holds " + what,
                                           "write the files with " + instead +
                                               ", or leave the column out by into.schema"));
    };
    // Of a timestamp without zone the engine keeps them.
    const std::string logical = row[2].value_or("");
    if (logical.find("NANOS=NanoSeconds") != std::string::npos &&
        (logical.starts_with("TimeType(") ||
         logical.find("isAdjustedToUTC=1") != std::string::npos))
      refuse("times to the nanosecond, and would keep microseconds of them", "microseconds");
    if (const auto digits = number_of(row[4].value_or("")).value_or(0);
        digits > kMaxDecimalDigits && (logical.starts_with("DecimalType(") || row[5] == "DECIMAL"))
      refuse("decimals of " + std::to_string(digits) + " digits, and would keep others",
             std::to_string(kMaxDecimalDigits) + " digits at most");
    footer.fingerprint.push_back(row[3].value_or(""));
  }
  return footer;
}

const ColumnSpec* find_column(const Schema& schema, const std::string& name) {
  const auto found = std::ranges::find(schema.columns, name, &ColumnSpec::name);
  return found == schema.columns.end() ? nullptr : &*found;
}

// Why the columns of one are not those of the other; nothing when they are, in whatever order.
std::optional<std::string> difference(const std::string& file, const Schema& own,
                                      const std::string& first, const Schema& wanted) {
  for (const ColumnSpec& column : own.columns) {
    const ColumnSpec* const same = find_column(wanted, column.name);
    if (same == nullptr)
      return quoted(file) + " has a column " + quoted(column.name) + ", and " + quoted(first) +
             " has none";
    if (same->type != column.type)
      return "column " + quoted(column.name) + " is " + column.type + " in " + quoted(file) +
             ", and " + same->type + " in " + quoted(first);
  }
  for (const ColumnSpec& column : wanted.columns)
    if (find_column(own, column.name) == nullptr)
      return quoted(first) + " has a column " + quoted(column.name) + ", and " + quoted(file) +
             " has none";
  return std::nullopt;
}

// How a column of one type becomes a value of another: SQL over `from`, an expression.
struct Conversion {
  std::string value;
  std::string fits;  // for what is not null
};

std::string text_fits_expression(const ColumnType& type, const std::string& text) {
  return std::string(kTextFits) + "(" + text + ", " + sql_literal(type.sql) + ")";
}

Conversion conversion_of(const std::string& from, const std::string& source,
                         const ColumnType& type) {
  if (source == "VARCHAR" || source == "JSON") {
    const std::string text = "CAST(" + from + " AS VARCHAR)";
    const std::string value = cast_expression(type, text);
    std::string fits = "(" + value + ") IS NOT NULL";
    if (!every_text_fits(type)) fits += " AND " + text_fits_expression(type, text);
    // The engine reads 1e400 as infinity.
    if (type.kind == TypeKind::kFloat && !type.list)
      fits += " AND NOT (isinf(" + value + ") AND regexp_matches(" + text + ", '[0-9]'))";
    return {value, fits};
  }
  const std::string value = "TRY_CAST(" + from + " AS " + type.sql + ")";
  if (type.kind == TypeKind::kText && !type.list) return {value, value + " IS NOT NULL"};
  if (type.kind == TypeKind::kJson)
    return {value, text_fits_expression(type, "CAST(" + value + " AS VARCHAR)")};
  return {value, "TRY_CAST(" + value + " AS " + source + ") IS NOT DISTINCT FROM " + from};
}

// Of a column of texts, and the name of a type, which is the same for all of them.
void text_fits_rows(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
  const idx_t rows = duckdb_data_chunk_get_size(input);
  if (rows == 0) return;
  duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
  ColumnType type;
  if (auto parsed = parse_column_type(text_at(duckdb_data_chunk_get_vector(input, 1), 0));
      parsed.ok())
    type = *std::move(parsed);
  // What is null holds no text: the engine also asks of the null of a dictionary, where nothing was
  // ever written.
  const std::uint64_t* const validity = duckdb_vector_get_validity(texts);
  auto* const fit = static_cast<bool*>(duckdb_vector_get_data(output));
  for (idx_t row = 0; row < rows; ++row)
    fit[row] = valid_at(validity, row) && text_fits(type, text_at(texts, row));
}

}  // namespace

Status register_text_fits(Session& session) {
  const ScalarFunction fits(duckdb_create_scalar_function());
  const LogicalType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
  const LogicalType boolean(duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN));
  duckdb_scalar_function_set_name(fits.get(), kTextFits);
  duckdb_scalar_function_add_parameter(fits.get(), text.get());
  duckdb_scalar_function_add_parameter(fits.get(), text.get());
  duckdb_scalar_function_set_return_type(fits.get(), boolean.get());
  duckdb_scalar_function_set_function(fits.get(), text_fits_rows);
  if (duckdb_register_scalar_function(session.connection(), fits.get()) == DuckDBError)
    return Error{ErrorClass::kInfrastructure, "engine.failed",
                 "the engine does not take the check of texts"};
  return ok_status();
}

Result<std::unique_ptr<ParquetSource>> ParquetSource::open(Session& session,
                                                           const std::vector<SourceFile>& files,
                                                           const std::vector<std::string>& roots,
                                                           const Schema& stated,
                                                           const std::stop_token& stop) {
  std::unique_ptr<ParquetSource> source(new ParquetSource());
  MILLRACE_RETURN_IF_ERROR(source->open_files(files, roots));
  if (Status looked = source->look_at_files(session, stop); !looked.ok())
    return source->blame(looked.error());
  const Status chosen =
      stated.columns.empty() ? source->keep(session) : source->convert(session, stated);
  if (!chosen.ok()) return source->blame(chosen.error());
  return source;
}

Status ParquetSource::open_files(const std::vector<SourceFile>& files,
                                 const std::vector<std::string>& roots) {
  for (const SourceFile& file : files) {
    MILLRACE_TRY(descriptor, open_below(file.path, roots));
    names_.push_back(printable(file.path));
    paths_.push_back("/proc/self/fd/" + std::to_string(descriptor.get()));
    descriptors_.push_back(std::move(descriptor));
  }
  return ok_status();
}

Status ParquetSource::look_at_files(Session& session, const std::stop_token& stop) {
  Footer first;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (stop.stop_requested()) return engine_error(DUCKDB_ERROR_INTERRUPT, "", Author::kOurs);
    MILLRACE_TRY(footer, read_footer(session, paths_[i]));
    if (const Status names = check_column_names(footer.columns); !names.ok())
      return unfit(quoted(names_[i]) + ": " + names.error().message, "rename the column");
    if (i > 0 && footer.fingerprint == first.fingerprint) continue;
    MILLRACE_TRY(columns, describe(session, "SELECT * FROM " + read_parquet({paths_[i]})));
    if (i == 0) {
      first = std::move(footer);
      found_ = std::move(columns);
      refused_ = first.refused;
      continue;
    }
    if (auto why = difference(names_[i], columns, names_[0], found_); why.has_value())
      return unfit(*std::move(why), "ingest files of different columns in tasks of their own");
    refused_.merge(footer.refused);
  }
  return ok_status();
}

// Every column, as it is.
Status ParquetSource::keep(Session& session) {
  MILLRACE_TRY(statement,
               session.prepare("SELECT * FROM " + read_parquet({paths_[0]}), Author::kOurs));
  for (std::size_t i = 0; i < found_.columns.size(); ++i) {
    const LogicalType type(duckdb_prepared_statement_column_logical_type(statement.get(), i));
    columns_ += (i == 0 ? "" : ", ") + storable(found_.columns[i].name, type.get());
  }
  return refused_.empty() ? ok_status() : Status(refused_.begin()->second);
}

Status ParquetSource::convert(Session& session, const Schema& stated) {
  for (const ColumnSpec& column : stated.columns) {
    const ColumnSpec* const found = find_column(found_, column.name);
    if (found == nullptr)
      return Error{ErrorClass::kUser, "ingest.column_missing",
                   quoted(names_[0]) + " has no column " + quoted(column.name),
                   "names count with their case; mend into.schema or the file", ""};
    if (const auto refused = refused_.find(column.name); refused != refused_.end())
      return refused->second;
    MILLRACE_TRY(type, parse_column_type(column.type));
    const std::string name = sql_identifier(column.name);
    Conversion to{name, "true"};
    const bool same = found->type == type.sql && type.kind != TypeKind::kJson;
    if (!same) to = conversion_of(name, found->type, type);
    columns_ += (columns_.empty() ? "" : ", ") + to.value + " AS " + name;
    if (!same || !column.nullable)
      faults_.push_back({column.name, type.sql, name,
                         "CASE WHEN " + name + " IS NULL THEN " +
                             (column.nullable ? "false" : "true") + " ELSE NOT coalesce(" +
                             to.fits + ", false) END"});
    stated_.columns.push_back({column.name, type.sql, column.nullable});
  }
  if (faults_.empty()) return ok_status();
  MILLRACE_TRY(statement,
               session.prepare("SELECT * FROM " + read_parquet({paths_[0]}), Author::kOurs));
  for (std::size_t i = 0; i < found_.columns.size(); ++i) {
    const LogicalType type(duckdb_prepared_statement_column_logical_type(statement.get(), i));
    whole_row_.emplace_back(found_.columns[i].name, type.get(), ValueForm::kNdjson);
  }
  return ok_status();
}

std::string ParquetSource::select(bool all) const {
  std::string select = "SELECT " + columns_ + " FROM " + read_parquet(paths_);
  if (all) return select;
  for (std::size_t i = 0; i < faults_.size(); ++i)
    select += (i == 0 ? " WHERE NOT (" : ") AND NOT (") + faults_[i].holds;
  return faults_.empty() ? select : select + ")";
}

// What the inner SELECT gives has names of ours alone, whatever the file's columns are called.
std::string ParquetSource::select_bad(std::size_t file) const {
  // The engine's own column, unless the file has one of that name.
  std::string record = std::string(kRecordColumn) + " + 1";
  if (find_column(found_, std::string(kRecordColumn)) != nullptr) record = "row_number() OVER ()";
  std::string values;
  std::string names;
  for (std::size_t i = 0; i < whole_row_.size(); ++i) {
    const std::string name = "value" + std::to_string(i);
    values.append(", ").append(whole_row_[i].expression()).append(" AS ").append(name);
    names.append(", ").append(name);
  }
  std::string place = "CASE";
  std::string text = "CASE";
  std::string column = "CASE place";
  std::string type = "CASE place";
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const Fault& fault = faults_[i];
    const std::string number = std::to_string(i);
    place += " WHEN " + fault.holds + " THEN " + number;
    text += " WHEN " + fault.holds + " THEN CAST(" + fault.value + " AS VARCHAR)";
    column += " WHEN " + number + " THEN " + sql_literal(fault.column);
    type += " WHEN " + number + " THEN " + sql_literal(fault.type);
  }
  const std::string rows = "SELECT CAST(" + record + " AS BIGINT) AS record, " + place +
                           " END AS place, " + text + " END AS text" + values + " FROM " +
                           read_parquet({paths_[file]});
  return "SELECT record, " + column +
         " END AS \"column\", "
         "CASE WHEN text IS NULL THEN 'value.null' ELSE 'value.type' END AS error_class, "
         "CASE WHEN text IS NULL THEN 'a null, and the column takes none' ELSE '\"' || "
         "CASE WHEN length(text) > 64 THEN left(text, 64) || '…' ELSE text END || "
         "'\" is no ' || " +
         type + " END END AS message" + names + " FROM (" + rows + ") WHERE place IS NOT NULL";
}

Error ParquetSource::blame(Error error) const {
  for (std::size_t i = paths_.size(); i-- > 0;)
    for (std::size_t at = 0; (at = error.message.find(paths_[i], at)) != std::string::npos;) {
      const std::size_t end = at + paths_[i].size();
      const bool whole =
          end == error.message.size() || error.message[end] < '0' || error.message[end] > '9';
      if (whole) error.message.replace(at, paths_[i].size(), names_[i]);
      at += whole ? names_[i].size() : paths_[i].size();
    }
  if (error.code != "engine.failed") return error;
  return unfit("the files can't be read as Parquet of the columns: " + error.message,
               "look at the files, and at into.schema");
}

}  // namespace millrace::kernel
