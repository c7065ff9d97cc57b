// Values of a result as text for whoever asked: RowColumn says to which SQL type a column is cast,
// so that few types of value are left, and writes what comes of it. docs/query.md is this file in
// words. Internal to the kernel.
//
// JSON has numbers for whole numbers up to 64 bits and for floating point, and texts, exact ones,
// for whatever a reader's number could lose: DECIMAL, HUGEINT, times, UUIDs, blobs.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::kernel {

enum class ValueForm : std::uint8_t {
  kJson,
  kNdjson,  // JSON as it is delivered (docs/types.md): a DECIMAL is a number of all its digits
  kCsv,
};

class RowColumn {
 public:
  // `type` is that of the statement's result.
  RowColumn(std::string name, duckdb_logical_type type, ValueForm form);
  RowColumn(RowColumn&&) noexcept;
  ~RowColumn();

  // "name": with its quotes and colon, as the member of an object.
  const std::string& key() const { return key_; }
  // CAST("name" AS …), or the name alone where nothing is to be cast.
  std::string expression() const;
  // Appends the value at `row` of a vector of that expression.
  void append(duckdb_vector vector, idx_t row, std::string& out) const;

  struct Shape;

 private:
  std::string name_;
  std::string key_;
  ValueForm form_;
  std::unique_ptr<Shape> shape_;
};

// "a\"b" with its quotes, as JSON has it.
void append_json_text(std::string_view text, std::string& out);
// As RFC 4180 has it; an empty text is "", which tells it from a null.
void append_csv_text(std::string_view text, std::string& out);

}  // namespace millrace::kernel
