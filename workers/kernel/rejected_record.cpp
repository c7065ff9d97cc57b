#include "workers/kernel/rejected_record.h"

#include <tuple>

#include "workers/kernel/field.h"

namespace millrace::kernel {
namespace {

bool before(const RejectedRecord& a, const RejectedRecord& b) {
  return std::tie(a.file, a.byte_offset) < std::tie(b.file, b.byte_offset);
}

std::string place_of(const RejectedRecord& record) {
  std::string text = "\"" + record.file + "\" ";
  text += record.line > 0 ? "line " + std::to_string(record.line)
                          : "record " + std::to_string(record.record);
  if (!record.column.empty()) text += ", column \"" + record.column + "\"";
  return text;
}

}  // namespace

const Schema& quarantine_schema() {
  static const Schema schema{{{"file", "VARCHAR", false},
                              {"record", "BIGINT", false},
                              {"line", "BIGINT", true},
                              {"byte_offset", "BIGINT", true},
                              {"column", "VARCHAR", true},
                              {"error_class", "VARCHAR", false},
                              {"message", "VARCHAR", false},
                              {"raw", "BLOB", false}}};
  return schema;
}

Error too_many_bad_rows(std::uint64_t limit, const RejectedRecord& first) {
  return {ErrorClass::kUser, "ingest.too_many_bad_rows",
          (limit == 0 ? "a bad row, and none is allowed"
                      : "more than " + std::to_string(limit) + " bad rows") +
              "; the first: " + place_of(first) + ": " + first.message,
          "mend the file, or raise quarantine.maxRows", ""};
}

Status RejectLog::add(const RejectedRecord& record) {
  const std::lock_guard lock(mutex_);
  ++count_;
  if (!first_.has_value() || before(record, *first_)) first_ = record;
  if (count_ > limit_) return too_many_bad_rows(limit_, *first_);
  return store_(record);
}

std::uint64_t RejectLog::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::string_view code_of(FieldFault fault) {
  switch (fault) {
    case FieldFault::kNone:
      return "";
    case FieldFault::kStrayText:
      return "record.stray_text";
    case FieldFault::kMissingField:
      return "record.missing_field";
    case FieldFault::kExtraField:
      return "record.extra_field";
    case FieldFault::kNotUtf8:
      return "record.not_utf8";
    case FieldFault::kNotAnObject:
      return "record.not_json";
    case FieldFault::kDuplicateField:
      return "record.duplicate_field";
  }
  return "";
}

}  // namespace millrace::kernel
