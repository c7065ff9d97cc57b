// TypeGuess: what type a column has, from the texts of a sample. The narrowest of BOOLEAN, BIGINT,
// DOUBLE, DATE, TIMESTAMP, TIMESTAMP WITH TIME ZONE that takes all of them, JSON for objects and
// arrays, else VARCHAR. docs/types.md has the rules. Pure.
//
//   TypeGuess guess;
//   for (const Field& field : column) guess.see(field);
//   column_type = guess.type();
#pragma once

#include <cstdint>
#include <string_view>

#include "workers/kernel/field.h"

namespace millrace::kernel {

class TypeGuess {
 public:
  void see(const Field& field);
  // A SQL name; VARCHAR when nothing but nulls was seen.
  std::string_view type() const;

 private:
  std::uint32_t seen_ = 0;  // a bit for each shape
};

}  // namespace millrace::kernel
