// RejectedRecord: one row of a quarantine dataset, and RejectLog, which counts them up to a limit.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "workers/kernel/schema.h"

namespace millrace::kernel {

// One bad record, with its first fault.
struct RejectedRecord {
  std::string file;
  std::uint64_t record = 0;       // from 1, in its file; a header does not count
  std::uint64_t line = 0;         // from 1: where the record begins; 0 in Parquet, which has none
  std::uint64_t byte_offset = 0;  // from 0, in the file's decompressed bytes
  std::string column;             // empty: the record as a whole
  std::string error_class;        // value.type, value.null, record.missing_field, …
  std::string message;
  std::string raw;  // the record's bytes, without the line end
};

// The columns of a quarantine dataset, in order. Of a row of Parquet, line and byte_offset are
// null.
const Schema& quarantine_schema();

// ingest.too_many_bad_rows: there are more than `limit`, of which `first` is the first.
Error too_many_bad_rows(std::uint64_t limit, const RejectedRecord& first);

// Takes rejected records from several threads, hands each on, and refuses the one beyond the limit.
class RejectLog {
 public:
  // `store` keeps one record; it is called by one thread at a time.
  using Store = std::function<Status(const RejectedRecord&)>;
  RejectLog(std::uint64_t limit, Store store) : limit_(limit), store_(std::move(store)) {}

  // Error: ingest.too_many_bad_rows, which names the first one in the order of files and bytes
  // among those seen so far; or the store's.
  Status add(const RejectedRecord& record);
  std::uint64_t count() const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t limit_;
  Store store_;
  std::uint64_t count_ = 0;
  std::optional<RejectedRecord> first_;
};

}  // namespace millrace::kernel
