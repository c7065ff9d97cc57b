// Strong<Tag, Rep>: a number that cannot be mistaken for another number. Compares, prints, hashes;
// does arithmetic only where its tag asks for it (kArithmetic).
//
//   struct EpochTag { static constexpr bool kArithmetic = false; };
//   using Epoch = Strong<EpochTag, std::uint64_t>;
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>

namespace millrace {

template <typename Tag, typename Rep = std::int64_t>
class Strong {
 public:
  using rep = Rep;
  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }

  friend constexpr auto operator<=>(Strong, Strong) = default;
  friend constexpr Strong operator+(Strong a, Strong b)
    requires(Tag::kArithmetic)
  {
    return Strong(a.value_ + b.value_);
  }
  friend constexpr Strong operator-(Strong a, Strong b)
    requires(Tag::kArithmetic)
  {
    return Strong(a.value_ - b.value_);
  }
  friend constexpr Strong operator*(Strong a, Rep factor)
    requires(Tag::kArithmetic)
  {
    return Strong(a.value_ * factor);
  }
  constexpr Strong& operator+=(Strong other)
    requires(Tag::kArithmetic)
  {
    value_ += other.value_;
    return *this;
  }
  constexpr Strong& operator-=(Strong other)
    requires(Tag::kArithmetic)
  {
    value_ -= other.value_;
    return *this;
  }
  constexpr Strong next() const { return Strong(value_ + 1); }
  friend std::ostream& operator<<(std::ostream& out, Strong strong) { return out << strong.value_; }

 private:
  Rep value_ = 0;
};

}  // namespace millrace

template <typename Tag, typename Rep>
struct std::hash<millrace::Strong<Tag, Rep>> {
  std::size_t operator()(millrace::Strong<Tag, Rep> strong) const noexcept {
    return std::hash<Rep>{}(strong.value());
  }
};
