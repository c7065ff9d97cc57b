// CsvFields: cuts a CSV record (record_scanner.h) into fields. An unquoted field that is empty or
// one of `nulls` is null; quoted ones never are. Not thread-safe: one for each thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/kernel/field.h"

namespace millrace::kernel {

struct CsvFormat {
  char delimiter = ',';
  char quote = '"';
  bool header = true;
  std::vector<std::string> nulls = {};
};

class CsvFields {
 public:
  explicit CsvFields(CsvFormat format) : format_(std::move(format)) {}

  // The record must have kRecordPadding readable bytes behind it. The fields live until the next
  // call. kNone or kStrayText.
  FieldFault split(std::string_view record, FieldList& fields);

 private:
  FieldFault split_quoted(std::string_view record, FieldList& fields);
  Field unquoted(const char* begin, const char* end) const;

  CsvFormat format_;
  std::string unescaped_;  // fields with doubled quotes
};

}  // namespace millrace::kernel
