// ResultPages: gathers the file rows of results, which arrive in pages, until the success that
// names their count and checksum. One for each stream: pages and success of a result follow each
// other on it, and a result that is sent again begins with its first page again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "scheduler/core/types.h"
#include "scheduler/engine/attachment.h"

namespace millrace::scheduler {

struct ResultLimits {
  std::size_t max_files = 1'000'000;  // of an attempt
  Bytes max_bytes = mebibytes(256);   // of all that a stream has gathered, as it arrived
  std::size_t max_attempts = 4'096;   // gathering at once
  std::size_t max_writes = 1'024;     // datasets of an attempt
  std::size_t max_row_bytes = std::size_t{1} << 18;  // of one file's row: statistics
};

struct PagedRow {
  std::uint32_t write_index = 0;
  FileRow row;
};

class ResultPages {
 public:
  explicit ResultPages(ResultLimits limits) : limits_(limits) {}

  // Rows beyond a limit are dropped, and take() says so.
  void add(const AttemptRef& attempt, std::vector<PagedRow> rows);
  // What has arrived for the attempt, in the order sent; it is forgotten here. Errors:
  // result.too_large; result.incomplete (Infrastructure) when count or checksum differ from what
  // the success names.
  Result<std::vector<PagedRow>> take(const AttemptRef& attempt, std::uint32_t file_count,
                                     const std::string& files_checksum);
  void forget(const AttemptRef& attempt);
  Bytes held() const { return held_; }

 private:
  struct Gathered {
    std::vector<PagedRow> rows;
    Bytes bytes;
    bool over_limit = false;
  };
  const ResultLimits limits_;
  std::map<AttemptRef, Gathered> attempts_;
  Bytes held_;
};

}  // namespace millrace::scheduler
