#include "workers/kernel/record_lookahead.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::kernel {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;

// The rules of record_scanner.h, a byte at a time where each one may count.
class RecordWalk {
 public:
  RecordWalk(std::optional<char> quote, char delimiter) : quote_(quote), delimiter_(delimiter) {}

  // The next byte that counts, of those from `at` on, or `end`: inside of quotes all that do are
  // quotes, however long the part is.
  const char* next(const char* at, const char* end) const {
    if (place_ != Place::kInside || !quote_.has_value()) return at;
    const void* const found = std::memchr(at, *quote_, static_cast<std::size_t>(end - at));
    return found == nullptr ? end : static_cast<const char*>(found);
  }
  // Whether the record ends with this byte.
  bool ends_with(char byte) {
    const bool is_quote = quote_.has_value() && byte == *quote_;
    switch (place_) {
      case Place::kInside:
        if (is_quote) place_ = Place::kBehindQuote;
        return false;
      case Place::kBehindQuote:
        // Doubled, it stands for itself; else it has closed.
        place_ = is_quote ? Place::kInside : Place::kOutside;
        if (!is_quote) break;
        return false;
      case Place::kFieldBegin:
        place_ = is_quote ? Place::kInside : Place::kOutside;
        if (!is_quote) break;
        return false;
      case Place::kOutside:
        break;
    }
    if (byte == delimiter_) place_ = Place::kFieldBegin;
    return byte == '\n';
  }
  bool inside() const { return place_ == Place::kInside; }

 private:
  enum class Place { kFieldBegin, kOutside, kInside, kBehindQuote };
  std::optional<char> quote_;
  char delimiter_;
  Place place_ = Place::kFieldBegin;
};

}  // namespace

Result<std::optional<std::uint64_t>> RecordLookahead::end_of(const ByteSource& source,
                                                             std::uint64_t begin,
                                                             std::optional<char> quote,
                                                             char delimiter) {
  MILLRACE_RETURN_IF_ERROR(go_to(source, begin));
  RecordWalk walk(quote, delimiter);
  for (std::size_t first = std::min<std::uint64_t>(begin - offset_, size_);; first = 0) {
    const char* const end = buffer_.data() + size_;
    for (const char* at = buffer_.data() + first; (at = walk.next(at, end)) != end; ++at)
      if (walk.ends_with(*at))
        return std::optional(offset_ + static_cast<std::uint64_t>(at - buffer_.data()) + 1);
    MILLRACE_TRY(more, read_on());
    if (!more) break;
  }
  return walk.inside() ? std::nullopt : std::optional(offset_);
}

Result<bool> RecordLookahead::read_on() {
  offset_ += std::exchange(size_, 0);
  MILLRACE_TRY(count, source_->read(buffer_.data(), buffer_.size()));
  size_ = count;
  return count > 0;
}

Status RecordLookahead::go_to(const ByteSource& source, std::uint64_t place) {
  if (source_ == nullptr || place < offset_) {
    MILLRACE_TRY(again, source.again());
    source_ = std::move(again);
    buffer_.resize(kBufferBytes);
    offset_ = 0;
    size_ = 0;
  }
  while (place > offset_ + size_) {
    MILLRACE_TRY(more, read_on());
    // A file that somebody cuts short while it is read.
    if (!more) break;
  }
  return ok_status();
}

}  // namespace millrace::kernel
