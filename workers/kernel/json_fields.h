// JsonFields: reads an NDJSON record (record_scanner.h) into the fields of known columns, or into
// the names that it has. Numbers keep the digits that were written; nested values stay JSON text.
// The whole record is checked to be JSON. Not thread-safe: one for each thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/kernel/field.h"

namespace millrace::kernel {

struct NamedField {
  std::string name;
  Field field;
};

class JsonFields {
 public:
  // `ignore_unknown`: other names than the columns' are passed over, not faults. `raw`: columns, by
  // place, whose strings stay JSON, with quotes and escapes; the rest's don't.
  JsonFields(std::vector<std::string> columns, bool ignore_unknown, std::vector<bool> raw = {});
  JsonFields(JsonFields&&) noexcept;
  JsonFields& operator=(JsonFields&&) noexcept;
  ~JsonFields();

  // `fields` gets one for each column, in their order; a name that is not there is null. The record
  // must have kRecordPadding readable bytes behind it. The fields live until the next call.
  FieldFault read(std::string_view record, FieldList& fields);
  // All of the record's fields, in its order. Kinds kNone, kNotAnObject, kDuplicateField.
  FieldFault read_all(std::string_view record, std::vector<NamedField>& fields);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::kernel
