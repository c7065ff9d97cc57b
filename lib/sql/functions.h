// Which functions a query may call, and why the others may not. Data and look-ups only.
//
// The table decides every function of the engine: a name is allowed, or refused with a reason; a
// test walks the engine's own list, so a new engine's new functions are decided before it is taken.
// What is allowed neither reads nor changes anything outside the query's rows, hears an interrupt,
// and needs memory in proportion to its input. Texts can still be made to grow step by step (s ||
// s, eleven times), and LIKE can be made to think for hours: that is what a runner's own limits are
// for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace millrace::sql {

// Names are lower case. Scalar, aggregate, window functions, macros and operators.
bool function_allowed(std::string_view name);
// Functions in FROM.
bool table_function_allowed(std::string_view name);

// Why a function of the engine is refused: "it reads files". Empty when the name is none that the
// table knows.
std::string_view refusal_reason(std::string_view name);

// The allowed function whose name is nearest, for a hint; empty when none is near.
std::string_view nearest_function(std::string_view name);

// Functions whose result grows with a number in the text: the number has to be there to be read.
struct ArgumentRule {
  enum class Kind {
    kCount,   // the argument `index` is a literal of at most `at_most`
    kSeries,  // all arguments are literals and make at most `at_most` elements
    kNested,  // the argument `index` is a literal text whose brackets nest at most `at_most` deep
    kFormat,  // the argument `index` is a literal format, whose widths are literal and at most
              // `at_most`
  };
  std::string_view function;
  Kind kind;
  std::size_t index;
  std::int64_t at_most;
};
// The rule of an allowed function, or nullptr.
const ArgumentRule* argument_rule(std::string_view name);

// Types that a cast may name, as the engine writes them in a tree; what the reader of a type map
// can carry from file to file.
bool type_allowed(std::string_view id);
// The same for types that the parser leaves to a look-up by name, lower case.
bool named_type_allowed(std::string_view name);

// All allowed function names, sorted; for tests and completion.
std::span<const std::string_view> allowed_functions();

}  // namespace millrace::sql
