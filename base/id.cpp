#include "base/id.h"

#include <array>

namespace millrace {
namespace {
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kTextLength = 26;

int digit_of(char c) {
  const auto position = kAlphabet.find(c);
  return position == std::string_view::npos ? -1 : static_cast<int>(position);
}
}  // namespace

RawId RawId::make(WallTime now, std::uint64_t random_high, std::uint64_t random_low) {
  const auto millis = static_cast<std::uint64_t>(now.value() / 1000);
  return RawId{(millis << 16) | (random_high & 0xFFFF), random_low};
}

std::string RawId::to_text() const {
  std::string text(kTextLength, '0');
  std::uint64_t h = high;
  std::uint64_t l = low;
  for (std::size_t i = kTextLength; i-- > 0;) {
    text[i] = kAlphabet[l & 31];
    l = (l >> 5) | (h << 59);
    h >>= 5;
  }
  return text;
}

std::optional<RawId> RawId::parse(std::string_view text) {
  // The first character carries 3 bits only: more would not fit into 128.
  if (text.size() != kTextLength || text.front() > '7') return std::nullopt;
  RawId id;
  for (const char c : text) {
    const int digit = digit_of(c);
    if (digit < 0) return std::nullopt;
    id.high = (id.high << 5) | (id.low >> 59);
    id.low = (id.low << 5) | static_cast<std::uint64_t>(digit);
  }
  return id;
}

}  // namespace millrace
