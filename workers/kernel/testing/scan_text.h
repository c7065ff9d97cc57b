// scan_text(): the records that the scanner finds in a text, which comes in pieces of any size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "workers/kernel/record_scanner.h"

namespace millrace::kernel::testing {

// A record as the scanner should find it.
struct Found {
  std::uint64_t record = 0;
  std::uint64_t line = 0;
  std::uint64_t offset = 0;
  std::string bytes;
  RecordFault fault = RecordFault::kNone;

  friend bool operator==(const Found&, const Found&) = default;
};
inline std::ostream& operator<<(std::ostream& out, const Found& found) {
  return out << "{#" << found.record << " line " << found.line << " at " << found.offset << " \""
             << found.bytes << "\" fault " << static_cast<int>(found.fault) << '}';
}

// Gives its bytes in pieces of any size.
class StringSource final : public ByteSource {
 public:
  StringSource(std::string bytes, std::size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}
  Result<std::size_t> read(char* out, std::size_t capacity) override {
    const std::size_t count = std::min({capacity, piece_, bytes_.size() - at_});
    std::copy_n(bytes_.data() + at_, count, out);
    at_ += count;
    return count;
  }
  std::uint64_t consumed() const override { return at_; }
  const std::string& name() const override { return name_; }
  Result<std::unique_ptr<ByteSource>> again() const override {
    return std::unique_ptr<ByteSource>(new StringSource(bytes_, piece_));
  }

 private:
  std::string name_ = "text";
  std::string bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

inline Result<std::vector<Found>> scan_text(const std::string& bytes, const ScanOptions& options,
                                            std::size_t piece) {
  RecordScanner scanner(std::make_unique<StringSource>(bytes, piece), options);
  std::vector<Found> found;
  RecordBlock block;
  for (;;) {
    MILLRACE_TRY(more, scanner.next(block));
    if (!more) return found;
    for (std::size_t i = 0; i < block.records.size(); ++i) {
      const RecordSpan& span = block.records[i];
      found.push_back({block.first_record + i, block.first_line + span.line,
                       block.offset + span.begin, std::string(block.bytes_of(span)), span.fault});
    }
  }
}

}  // namespace millrace::kernel::testing
