// RecordLookahead: where a record ends that is too long to be held, so that its lines are not taken
// for records of their own. It reads the stream a second time, from the record on and in little
// memory, and goes forward only where it can: records that are asked for in order cost one reading
// of the stream in all. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "workers/kernel/byte_source.h"

namespace millrace::kernel {

class RecordLookahead {
 public:
  // The byte behind the line feed that ends the record, or the stream's end, for a record that
  // begins at `begin`; nothing when the stream ends inside of a quoted part. Rules and meaning of
  // `quote` and `delimiter` as in record_scanner.h. Errors: those of the source.
  Result<std::optional<std::uint64_t>> end_of(const ByteSource& source, std::uint64_t begin,
                                              std::optional<char> quote, char delimiter);

 private:
  // The next bytes; false at the stream's end.
  Result<bool> read_on();
  Status go_to(const ByteSource& source, std::uint64_t place);

  std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_;
  std::uint64_t offset_ = 0;  // of the buffer's begin in the stream
  std::size_t size_ = 0;      // of what it holds
};

}  // namespace millrace::kernel
