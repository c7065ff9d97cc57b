// What one SQL text reads and calls: the answer of the analysis. Values only; no SQL is kept in it.
//
// All names are folded to lower case, as SQL compares them. Positions point into the text that was
// analysed, whatever spaces, comments or UTF-8 it holds.
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace::sql {

struct Position {
  std::size_t offset = 0;  // bytes from the text's start
  int line = 1;            // from 1; a line ends with \n
  int column = 1;          // from 1, in characters (code points)

  friend auto operator<=>(const Position&, const Position&) = default;
};

struct TableUse {
  std::string name;  // [a-z][a-z0-9_]*; never a CTE's name where the CTE is in scope
  Position position;

  friend bool operator==(const TableUse&, const TableUse&) = default;
};

struct FunctionUse {
  std::string name;  // as the engine calls it: count(*) is "count_star", extract() is "date_part"
  Position position;

  friend bool operator==(const FunctionUse&, const FunctionUse&) = default;
};

struct ParameterUse {
  std::string name;   // without the $: [a-z][a-z0-9_]*
  Position position;  // of its first use

  friend bool operator==(const ParameterUse&, const ParameterUse&) = default;
};

// One SELECT that passed every rule.
struct Statement {
  std::vector<TableUse> tables;          // one per use, by position
  std::vector<FunctionUse> functions;    // one per use, by position; operators are left out
  std::vector<ParameterUse> parameters;  // each name once, by position
  bool ordered = false;                  // has an ORDER BY of its own, outside every subquery

  friend bool operator==(const Statement&, const Statement&) = default;
};

// The datasets that the statement reads: each name once, sorted.
std::vector<std::string> table_names(const Statement& statement);

// The place of an error of this folder, out of its `path` ("line:column"); the offset is not kept
// and is 0. Empty when the error has no place (a text that is too long, a parser that crashed).
std::optional<Position> error_position(const Error& error);

// Whether an error of this folder is the text's own fault, and so one of whoever wrote it.
bool blames_text(const Error& error);

// The byte of `text` at a line and column, whatever the position's own offset says; at most the
// text's end.
std::size_t offset_in(std::string_view text, const Position& position);

}  // namespace millrace::sql
