// Values out of rows. Internal to the reads.
#pragma once

#include <cstring>
#include <optional>
#include <pqxx/result>
#include <string>
#include <string_view>

#include "lib/postgres/sql_text.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

template <typename Tag>
void read_value(const pqxx::field& field, Id<Tag>& out) {
  out = Id<Tag>(postgres::from_uuid(field.c_str()).value_or(RawId()));
}
template <typename Tag, typename Rep>
void read_value(const pqxx::field& field, Strong<Tag, Rep>& out) {
  out = field.is_null() ? Strong<Tag, Rep>() : Strong<Tag, Rep>(field.as<Rep>());
}
inline void read_value(const pqxx::field& field, BodyHash& out) {
  out = {};
  const std::string bytes = postgres::from_bytea(field.c_str()).value_or("");
  if (bytes.size() == out.size()) std::memcpy(out.data(), bytes.data(), out.size());
}
inline void read_value(const pqxx::field& field, std::string& out) {
  out = field.is_null() ? std::string() : field.as<std::string>();
}
template <typename Number>
  requires std::is_arithmetic_v<Number>
void read_value(const pqxx::field& field, Number& out) {
  out = field.is_null() ? Number() : field.as<Number>();
}

// The value whose name it is; the first one when a later version wrote a name that is not known
// here.
template <typename Enum>
void read_enum(const pqxx::field& field, Enum last, Enum& out) {
  out = Enum{};
  for (int value = 0; value <= static_cast<int>(last); ++value) {
    if (to_string(static_cast<Enum>(value)) == std::string_view(field.c_str())) {
      out = static_cast<Enum>(value);
    }
  }
}

// The row's columns one after another.
class Columns {
 public:
  explicit Columns(const pqxx::row& row) : row_(row) {}
  template <typename... Values>
  Columns& into(Values&... values) {
    (read_value(row_[next_++], values), ...);
    return *this;
  }
  template <typename Enum>
  Columns& into_enum(Enum last, Enum& value) {
    read_enum(row_[next_++], last, value);
    return *this;
  }
  pqxx::field field() { return row_[next_++]; }

 private:
  const pqxx::row& row_;
  int next_ = 0;
};

}  // namespace millrace::scheduler
