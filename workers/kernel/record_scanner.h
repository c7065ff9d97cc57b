// RecordScanner: finds the records of CSV and NDJSON in a stream of bytes, a block at a time, and
// knows of each where it lies: bytes count from 0 in the decompressed stream, records and lines
// from
// 1. Cutting the stream at a record's place gives its bytes, without the line end.
//
// A record ends at LF or CRLF outside of quotes. A quote opens a quoted part right after a
// delimiter or at the record's begin, and a doubled one inside stands for itself; anywhere else it
// is a byte like others. Empty lines are no records. A UTF-8 byte order mark at the start is
// skipped. A quote that never closes spoils its record's first line alone: the scan goes on with
// the next one. A record that is too long is one record all the same, up to its own end: the source
// is read ahead for it (record_lookahead.h).
//
// What the fields hold is not looked at: csv_fields.h and json_fields.h do that, on other threads.
// Not thread-safe; a block that was handed out belongs to its taker.
//
//   RecordScanner scanner(source, {.quote = '"', .delimiter = ','});
//   RecordBlock block;
//   for (;;) { MILLRACE_TRY(more, scanner.next(block)); if (!more) break; … }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "workers/kernel/byte_source.h"
#include "workers/kernel/record_lookahead.h"

namespace millrace::kernel {

enum class RecordFault : std::uint8_t {
  kNone,
  kUnclosedQuote,
  kTooLong,  // the span holds its first bytes
};

struct RecordSpan {
  std::uint32_t begin = 0;   // in the block's bytes
  std::uint32_t length = 0;  // without the line end
  std::uint32_t line = 0;    // lines before it in the block
  RecordFault fault = RecordFault::kNone;
};

// Readable bytes behind every record, for code that reads in words.
inline constexpr std::size_t kRecordPadding = 64;

// Whole records that lie next to each other in one file. Its memory is used again by next().
struct RecordBlock {
  std::uint64_t offset = 0;        // of bytes[0] in the stream
  std::uint64_t first_record = 0;  // the number of records[0]
  std::uint64_t first_line = 0;    // the number of bytes[0]'s line
  std::vector<RecordSpan> records;

  std::string_view bytes_of(const RecordSpan& span) const {
    return {bytes.get() + span.begin, span.length};
  }
  std::string_view all() const { return {bytes.get(), size}; }

  std::unique_ptr<char[]> bytes;
  std::size_t size = 0;
  std::size_t capacity = 0;  // the padding left out
};

struct ScanOptions {
  std::optional<char> quote;  // none: quotes mean nothing (NDJSON)
  char delimiter = ',';
  std::uint64_t skip = 0;  // records at the start that are passed over and not counted (a header)
  bool empty_records = false;  // an empty line is a record, the file's end is none
  std::size_t block_bytes = std::size_t{1} << 20;
  std::size_t max_record_bytes = std::size_t{2} << 20;
};

class RecordScanner {
 public:
  RecordScanner(std::unique_ptr<ByteSource> source, ScanOptions options);

  // The next block, of one record at least; false at the end of the stream. Errors: the source's,
  // and source.utf16 (user), of a stream with the mark of that.
  Result<bool> next(RecordBlock& block);
  // Bytes read of the file itself, for progress.
  std::uint64_t consumed() const { return source_->consumed(); }

 private:
  struct RecordEnd {
    std::size_t at;  // of the line feed, or kNowhere
    bool in_quotes;  // it was looked for inside quotes at last
    bool quoted;     // the record holds quotes, so perhaps line feeds
  };
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  Status fill(RecordBlock& block, std::size_t wanted);
  Result<std::size_t> scan(RecordBlock& block);
  RecordEnd find_end(std::string_view bytes, std::size_t begin);
  std::size_t next_place(std::string_view bytes, std::size_t& known, char wanted, std::size_t from);
  Result<std::size_t> take_rest(RecordBlock& block, std::size_t begin, const RecordEnd& end,
                                std::uint32_t& line);
  Result<std::size_t> take_first_line(RecordBlock& block, std::size_t begin, std::uint32_t& line);
  void add(RecordBlock& block, std::size_t begin, std::size_t end, std::uint32_t line,
           RecordFault fault);

  std::unique_ptr<ByteSource> source_;
  ScanOptions options_;
  std::string carry_;         // bytes behind the last block
  std::uint64_t offset_ = 0;  // of carry_'s first byte
  std::uint64_t record_ = 1;  // number of the next record
  std::uint64_t line_ = 1;    // number of carry_'s first line
  std::uint64_t to_skip_;
  bool started_ = false;
  bool at_end_ = false;
  std::uint64_t pass_over_ = 0;  // bytes up to here belong to a record that was too long
  RecordLookahead lookahead_;
  std::size_t next_quote_ = 0;  // places known in the block that is being scanned
  std::size_t next_feed_ = 0;
};

}  // namespace millrace::kernel
