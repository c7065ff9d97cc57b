#include "workers/kernel/duckdb/row_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "workers/kernel/duckdb/session.h"
#include "workers/kernel/json_text.h"

namespace millrace::kernel {

struct RowColumn::Shape {
  enum class Kind : std::uint8_t {
    kBoolean,
    kSigned,
    kUnsigned,
    kFloat,
    kDouble,
    kText,
    kBytes,
    kDigits,  // a text that is a number
    kJson,    // a text that is JSON itself
    kList,
    kArray,
    kStruct,
    kMap,
  };
  Kind kind = Kind::kText;
  int width = 0;   // bytes of a number
  idx_t size = 0;  // of an array
  std::string sql = "VARCHAR";
  std::vector<Shape> children;
  std::vector<std::string> keys;  // of a struct's children, as RowColumn::key()
};

namespace {

using Shape = RowColumn::Shape;
using Kind = Shape::Kind;

Shape scalar(Kind kind, int width, std::string sql) {
  Shape shape;
  shape.kind = kind;
  shape.width = width;
  shape.sql = std::move(sql);
  return shape;
}

std::string key_of(std::string_view name) {
  std::string key;
  append_json_text(name, key);
  return key + ":";
}

Shape json_shape_of(duckdb_logical_type type, ValueForm form);

Shape struct_shape_of(duckdb_logical_type type, ValueForm form) {
  Shape shape = scalar(Kind::kStruct, 0, "STRUCT(");
  for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
    const std::string name = taken(duckdb_struct_type_child_name(type, i));
    if (name.empty()) return {};  // row(1, 2): nothing to name its values by
    const LogicalType child(duckdb_struct_type_child_type(type, i));
    shape.children.push_back(json_shape_of(child.get(), form));
    shape.sql.append(i == 0 ? "" : ", ").append(sql_identifier(name)).append(" ");
    shape.sql.append(shape.children.back().sql);
    shape.keys.push_back(key_of(name));
  }
  shape.sql += ")";
  return shape;
}

// What is written as it is, what holds others, and everything else as the text that a cast makes.
Shape json_shape_of(duckdb_logical_type type, ValueForm form) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
      return scalar(Kind::kBoolean, 1, "BOOLEAN");
    case DUCKDB_TYPE_TINYINT:
      return scalar(Kind::kSigned, 1, "TINYINT");
    case DUCKDB_TYPE_SMALLINT:
      return scalar(Kind::kSigned, 2, "SMALLINT");
    case DUCKDB_TYPE_INTEGER:
      return scalar(Kind::kSigned, 4, "INTEGER");
    case DUCKDB_TYPE_BIGINT:
      return scalar(Kind::kSigned, 8, "BIGINT");
    case DUCKDB_TYPE_UTINYINT:
      return scalar(Kind::kUnsigned, 1, "UTINYINT");
    case DUCKDB_TYPE_USMALLINT:
      return scalar(Kind::kUnsigned, 2, "USMALLINT");
    case DUCKDB_TYPE_UINTEGER:
      return scalar(Kind::kUnsigned, 4, "UINTEGER");
    case DUCKDB_TYPE_UBIGINT:
      return scalar(Kind::kUnsigned, 8, "UBIGINT");
    case DUCKDB_TYPE_FLOAT:
      return scalar(Kind::kFloat, 4, "FLOAT");
    case DUCKDB_TYPE_DOUBLE:
      return scalar(Kind::kDouble, 8, "DOUBLE");
    case DUCKDB_TYPE_BLOB:
      return scalar(Kind::kBytes, 0, "BLOB");
    case DUCKDB_TYPE_DECIMAL:
      return form == ValueForm::kNdjson ? scalar(Kind::kDigits, 0, "VARCHAR") : Shape();
    case DUCKDB_TYPE_VARCHAR:
      return taken(duckdb_logical_type_get_alias(type)) == "JSON" ? scalar(Kind::kJson, 0, "JSON")
                                                                  : Shape();
    case DUCKDB_TYPE_LIST: {
      Shape shape = scalar(Kind::kList, 0, "");
      const LogicalType child(duckdb_list_type_child_type(type));
      shape.children.push_back(json_shape_of(child.get(), form));
      shape.sql = shape.children[0].sql + "[]";
      return shape;
    }
    case DUCKDB_TYPE_ARRAY: {
      Shape shape = scalar(Kind::kArray, 0, "");
      const LogicalType child(duckdb_array_type_child_type(type));
      shape.children.push_back(json_shape_of(child.get(), form));
      shape.size = duckdb_array_type_array_size(type);
      shape.sql = shape.children[0].sql + "[" + std::to_string(shape.size) + "]";
      return shape;
    }
    case DUCKDB_TYPE_MAP: {
      Shape shape = scalar(Kind::kMap, 0, "");
      const LogicalType value(duckdb_map_type_value_type(type));
      shape.children.push_back(json_shape_of(value.get(), form));
      shape.sql = "MAP(VARCHAR, " + shape.children[0].sql + ")";
      return shape;
    }
    case DUCKDB_TYPE_STRUCT:
      return struct_shape_of(type, form);
    default:
      return {};
  }
}

// What holds others is one text, as the engine casts it.
Shape csv_shape_of(duckdb_logical_type type) {
  return duckdb_get_type_id(type) == DUCKDB_TYPE_BLOB ? scalar(Kind::kBytes, 0, "BLOB") : Shape();
}

bool is_null(duckdb_vector vector, idx_t row) {
  std::uint64_t* const validity = duckdb_vector_get_validity(vector);
  return validity != nullptr && !duckdb_validity_row_is_valid(validity, row);
}

template <typename Number>
Number number_at(duckdb_vector vector, idx_t row) {
  return static_cast<const Number*>(duckdb_vector_get_data(vector))[row];
}

template <typename Number>
void append_number(Number number, std::string& out) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// The shortest digits that give the value back; JSON has no other names for the rest.
template <typename Number>
void append_floating(Number number, std::string& out) {
  if (std::isnan(number))
    out += "\"NaN\"";
  else if (std::isinf(number))
    out += number < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  else
    append_number(number, out);
}

// Bytes as a text, which a cast to BLOB reads again: of printable ASCII the backslash alone is not
// itself. The engine's own cast hides quotes too.
std::string text_of_bytes(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F && c != '\\')
      text += c;
    else
      text.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
  }
  return text;
}

// A decimal as the engine writes it: where it has no digits before its point, JSON wants a zero.
void append_digits(std::string_view digits, std::string& out) {
  if (digits.starts_with('-')) {
    out += '-';
    digits.remove_prefix(1);
  }
  if (digits.starts_with('.')) out += '0';
  out += digits;
}

void append_signed(int width, duckdb_vector vector, idx_t row, std::string& out) {
  switch (width) {
    case 1:
      return append_number(int{number_at<std::int8_t>(vector, row)}, out);
    case 2:
      return append_number(number_at<std::int16_t>(vector, row), out);
    case 4:
      return append_number(number_at<std::int32_t>(vector, row), out);
    default:
      return append_number(number_at<std::int64_t>(vector, row), out);
  }
}

void append_unsigned(int width, duckdb_vector vector, idx_t row, std::string& out) {
  switch (width) {
    case 1:
      return append_number(unsigned{number_at<std::uint8_t>(vector, row)}, out);
    case 2:
      return append_number(number_at<std::uint16_t>(vector, row), out);
    case 4:
      return append_number(number_at<std::uint32_t>(vector, row), out);
    default:
      return append_number(number_at<std::uint64_t>(vector, row), out);
  }
}

void append_json(const Shape& shape, duckdb_vector vector, idx_t row, std::string& out);

void append_items(const Shape& item, duckdb_vector items, duckdb_list_entry range,
                  std::string& out) {
  out += '[';
  for (idx_t i = range.offset; i < range.offset + range.length; ++i) {
    if (i > range.offset) out += ',';
    append_json(item, items, i, out);
  }
  out += ']';
}

void append_map(const Shape& shape, duckdb_vector vector, idx_t row, std::string& out) {
  const auto range = number_at<duckdb_list_entry>(vector, row);
  duckdb_vector pairs = duckdb_list_vector_get_child(vector);
  duckdb_vector keys = duckdb_struct_vector_get_child(pairs, 0);
  duckdb_vector values = duckdb_struct_vector_get_child(pairs, 1);
  out += '{';
  for (idx_t i = range.offset; i < range.offset + range.length; ++i) {
    if (i > range.offset) out += ',';
    append_json_text(is_null(keys, i) ? std::string_view() : text_at(keys, i), out);
    out += ':';
    append_json(shape.children[0], values, i, out);
  }
  out += '}';
}

void append_struct(const Shape& shape, duckdb_vector vector, idx_t row, std::string& out) {
  out += '{';
  for (std::size_t i = 0; i < shape.children.size(); ++i) {
    if (i > 0) out += ',';
    out += shape.keys[i];
    append_json(shape.children[i], duckdb_struct_vector_get_child(vector, i), row, out);
  }
  out += '}';
}

// As it was written, but on one line: a line feed in JSON is a space, or it is escaped.
void append_json_value(std::string_view text, std::string& out) {
  const std::size_t begin = out.size();
  out += text;
  const auto is_line_end = [](char c) { return c == '\n' || c == '\r'; };
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), is_line_end, ' ');
}

void append_json(const Shape& shape, duckdb_vector vector, idx_t row, std::string& out) {
  if (is_null(vector, row)) {
    out += "null";
    return;
  }
  switch (shape.kind) {
    case Kind::kBoolean:
      out += number_at<bool>(vector, row) ? "true" : "false";
      return;
    case Kind::kSigned:
      return append_signed(shape.width, vector, row, out);
    case Kind::kUnsigned:
      return append_unsigned(shape.width, vector, row, out);
    case Kind::kFloat:
      return append_floating(number_at<float>(vector, row), out);
    case Kind::kDouble:
      return append_floating(number_at<double>(vector, row), out);
    case Kind::kDigits:
      return append_digits(text_at(vector, row), out);
    case Kind::kText:
      return append_json_text(text_at(vector, row), out);
    case Kind::kBytes:
      return append_json_text(text_of_bytes(text_at(vector, row)), out);
    case Kind::kJson: {
      // A file of somebody else's may say that a column is JSON, and it is not.
      const std::string_view text = text_at(vector, row);
      if (is_json(text))
        append_json_value(text, out);
      else
        append_json_text(text, out);
      return;
    }
    case Kind::kList:
      return append_items(shape.children[0], duckdb_list_vector_get_child(vector),
                          number_at<duckdb_list_entry>(vector, row), out);
    case Kind::kArray:
      return append_items(shape.children[0], duckdb_array_vector_get_child(vector),
                          {row * shape.size, shape.size}, out);
    case Kind::kStruct:
      return append_struct(shape, vector, row, out);
    case Kind::kMap:
      return append_map(shape, vector, row, out);
  }
}

}  // namespace

RowColumn::RowColumn(std::string name, duckdb_logical_type type, ValueForm form)
    : name_(std::move(name)),
      key_(key_of(name_)),
      form_(form),
      shape_(std::make_unique<Shape>(form == ValueForm::kCsv ? csv_shape_of(type)
                                                             : json_shape_of(type, form))) {}
RowColumn::RowColumn(RowColumn&&) noexcept = default;
RowColumn::~RowColumn() = default;

std::string RowColumn::expression() const {
  return "CAST(" + sql_identifier(name_) + " AS " + shape_->sql + ")";
}

void RowColumn::append(duckdb_vector vector, idx_t row, std::string& out) const {
  if (form_ != ValueForm::kCsv) return append_json(*shape_, vector, row, out);
  if (is_null(vector, row)) return;
  if (shape_->kind == Kind::kBytes)
    append_csv_text(text_of_bytes(text_at(vector, row)), out);
  else
    append_csv_text(text_at(vector, row), out);
}

void append_json_text(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_csv_text(std::string_view text, std::string& out) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

}  // namespace millrace::kernel
