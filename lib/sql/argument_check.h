// Whether the arguments of a call keep the call's result small: the rules of ArgumentRule, on
// literals.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "lib/sql/functions.h"

namespace millrace::sql {

// What is known of an argument from the text alone; neither is set for a column, a parameter, a
// call.
struct Argument {
  std::optional<std::int64_t> number;
  std::optional<std::string> text;
};

// Ok, or an error of class policy, code "sql.argument_refused", without a place.
Status check_arguments(const ArgumentRule& rule, std::span<const Argument> arguments);

}  // namespace millrace::sql
