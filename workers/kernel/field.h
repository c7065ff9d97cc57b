// Field: one value of a record as text, before it has a type. Views: they live as long as the
// record and the reader that made them, and until the reader's next record.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace millrace::kernel {

enum class FieldKind : std::uint8_t {
  kNull,
  kText,     // of CSV
  kQuoted,   // of CSV, without its quotes
  kString,   // of JSON, without its quotes
  kNumber,   // of JSON, as it was written
  kBoolean,  // of JSON: true or false
  kNested,   // of JSON: the text of an object or array
};

struct Field {
  const char* data = nullptr;
  std::uint32_t length = 0;
  FieldKind kind = FieldKind::kNull;

  bool null() const { return kind == FieldKind::kNull; }
  std::string_view text() const { return {data, length}; }
};

// Readable bytes behind every field's text, for code that reads in words.
inline constexpr std::size_t kFieldPadding = 16;

// A record's fields. A vector's bookkeeping would cost as much as finding the field does.
class FieldList {
 public:
  void clear() { size_ = 0; }
  void add(const Field& field) {
    if (size_ == capacity_) grow();
    fields_[size_++] = field;
  }
  void assign(std::size_t count, const Field& field) {
    clear();
    while (size_ < count) add(field);
  }
  std::size_t size() const { return size_; }
  Field& operator[](std::size_t i) { return fields_[i]; }
  const Field& operator[](std::size_t i) const { return fields_[i]; }
  const Field* begin() const { return fields_.get(); }
  const Field* end() const { return fields_.get() + size_; }

 private:
  void grow() {
    const std::size_t capacity = capacity_ == 0 ? 32 : 2 * capacity_;
    auto fields = std::make_unique_for_overwrite<Field[]>(capacity);
    std::copy_n(fields_.get(), size_, fields.get());
    fields_ = std::move(fields);
    capacity_ = capacity;
  }
  std::unique_ptr<Field[]> fields_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Why a record has no fields, or not those that it should. The quarantine's error_class says them
// as code_of() does; conversions add value.type and value.null.
enum class FieldFault : std::uint8_t {
  kNone,
  kStrayText,     // between a closing quote and the next delimiter
  kMissingField,  // fewer than the columns
  kExtraField,    // more than the columns, or one of another name
  kNotUtf8,
  kNotAnObject,     // NDJSON: no JSON, or no object
  kDuplicateField,  // NDJSON: the same name twice
};

// "record.stray_text" and so on; stable.
std::string_view code_of(FieldFault fault);

}  // namespace millrace::kernel
