// Problem: one thing that is wrong with a document, and where. A document's problems are found all
// at once, so they travel as a list beside whatever could be read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace::manifest {

// Counted from 1, columns in characters; 0 when unknown.
struct Position {
  int line = 0;
  int column = 0;

  friend bool operator==(const Position&, const Position&) = default;
};

struct Problem {
  Error error;          // its path is for people: spec.tasks[3].query.sqll
  std::string pointer;  // RFC 6901, for programs: /spec/tasks/3/query/sqll
  std::string file;     // may be empty
  int line = 0;         // as in Position
  int column = 0;

  // "f.yaml:20:7 spec.tasks[3].query.sqll: unknown field. Did you mean sql?"
  std::string to_text() const;

  friend bool operator==(const Problem&, const Problem&) = default;
};

using Problems = std::vector<Problem>;

// Enough for any person; what is found beyond is not told.
inline constexpr std::size_t kMaxProblems = 100;

// A problem that knows its field but not its line: what rules, parameters and the graph find, since
// they look at structs. Document::place() gives it its line.
struct Finding {
  Error error;
  std::string pointer;  // from the document's root
  std::optional<std::size_t> offset =
      {};  // in bytes within the field's text: a hole, a name in SQL

  friend bool operator==(const Finding&, const Finding&) = default;
};

using Findings = std::vector<Finding>;

// With the pointer's path for the error's, unless it has one.
Finding make_finding(Error error, std::string pointer, std::optional<std::size_t> offset = {});

// An error that the document's writer can mend. The hint is an action in lower case, without a dot.
Error user_error(std::string_view code, std::string message, std::string hint = {});

// In double quotes, cut at 60 characters.
std::string in_quotes(std::string_view text);

// A step of a pointer, escaped as RFC 6901 wants it.
std::string pointer_step(std::string_view key);

// /spec/tasks/3/query/sqll -> spec.tasks[3].query.sqll
std::string path_of_pointer(std::string_view pointer);

}  // namespace millrace::manifest
