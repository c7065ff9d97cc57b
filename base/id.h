// Id<Tag>: opaque, 128 bits, sortable by the time it was made (the shape of a ULID: 48 bits of
// milliseconds, 80 bits of randomness; https://github.com/ulid/spec). Time and randomness are
// inputs, so that a simulation makes the same ids again. Text form: 26 characters of lower-case
// Crockford base32.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/units.h"

namespace millrace {

struct RawId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  static RawId make(WallTime now, std::uint64_t random_high, std::uint64_t random_low);
  static std::optional<RawId> parse(std::string_view text);
  std::string to_text() const;
  bool is_nil() const { return high == 0 && low == 0; }
  friend constexpr auto operator<=>(const RawId&, const RawId&) = default;
};

template <typename Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(RawId raw) : raw_(raw) {}
  static Id make(WallTime now, std::uint64_t random_high, std::uint64_t random_low) {
    return Id(RawId::make(now, random_high, random_low));
  }
  static std::optional<Id> parse(std::string_view text) {
    if (auto raw = RawId::parse(text)) return Id(*raw);
    return std::nullopt;
  }
  std::string to_text() const { return raw_.to_text(); }
  bool is_nil() const { return raw_.is_nil(); }
  constexpr const RawId& raw() const { return raw_; }
  friend constexpr auto operator<=>(const Id&, const Id&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Id& id) { return out << id.to_text(); }

 private:
  RawId raw_;
};

}  // namespace millrace

template <typename Tag>
struct std::hash<millrace::Id<Tag>> {
  std::size_t operator()(const millrace::Id<Tag>& id) const noexcept {
    // The low half is random already; the high half spreads ids of one millisecond no further.
    return static_cast<std::size_t>(id.raw().low ^ (id.raw().high * 0x9E3779B97F4A7C15ULL));
  }
};
