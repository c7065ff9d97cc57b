// Values as Postgres reads them in text: ids as uuid, hashes as bytea, lists as arrays for
// unnest(). Only ever passed as parameters of a statement, never put into one.
//
//   SqlArray names, counts;
//   for (…) names.add(row.name), counts.add(row.count);
//   work.exec_params("INSERT INTO t SELECT * FROM unnest($1::text[], $2::bigint[])", names.text(),
//   …);
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"

namespace millrace::postgres {

// "01234567-89ab-…"; uuids sort as ids do.
std::string to_uuid(const RawId& id);
std::optional<RawId> from_uuid(std::string_view text);

// "\x0123…", Postgres's text form of bytea.
std::string to_bytea(std::string_view bytes);
std::string to_bytea(const std::array<std::uint8_t, 32>& hash);
// Nothing when the text is not in that form.
std::optional<std::string> from_bytea(std::string_view text);

// An array of one dimension. Texts go through clean_text.
class SqlArray {
 public:
  void add(std::string_view text);
  void add(const char* text) { add(std::string_view(text)); }
  template <std::integral Number>
  void add(Number number) {
    separate();
    text_ += std::to_string(number);
  }
  void add_null() {
    separate();
    text_ += "NULL";
  }
  // The array's literal.
  std::string text() const { return text_ + "}"; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  void separate() {
    if (size_++ > 0) text_ += ',';
  }
  std::string text_ = "{";
  std::size_t size_ = 0;
};

}  // namespace millrace::postgres
