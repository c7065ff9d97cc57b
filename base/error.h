// Errors as values: what went wrong, where, and what a person can do about it.
//
// The class decides retry, backoff, blame and how the message is shown; the code is stable and is
// what tests assert, metrics count and `millrace explain` prints. Text: lower case, values quoted,
// the hint an action.
//
//   return Error{ErrorClass::kUser, "dataset.unknown", "no dataset named \"orders\""}
//       .at("spec.tasks[2].query.sql")
//       .hint_at("did you mean \"order\"? `millrace get datasets` lists them");
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace millrace {

enum class ErrorClass {
  kUser,            // the document, the data or the caller is at fault: retrying changes nothing
  kTransient,       // may pass by itself: retry with backoff
  kResource,        // memory, disk or time ran out: retry larger, or elsewhere
  kInfrastructure,  // a machine, process or connection was lost: retry elsewhere
  kPolicy,          // refused by a rule: retrying changes nothing
};

std::string_view to_string(ErrorClass error_class);
// The inverse of to_string; false when `text` names no class.
bool parse_error_class(std::string_view text, ErrorClass& out);

struct Error {
  ErrorClass error_class = ErrorClass::kUser;
  std::string code;     // dotted, stable: "lease.fenced"
  std::string message;  // one sentence, lower case
  std::string hint{};   // what to do; may be empty
  std::string path{};   // field path or place, "spec.tasks[2].reads"; may be empty

  Error at(std::string where) && {
    path = std::move(where);
    return std::move(*this);
  }
  Error hint_at(std::string what_to_do) && {
    hint = std::move(what_to_do);
    return std::move(*this);
  }

  // "dataset.unknown at tasks[2].reads: no dataset named "orders" (did you mean "order"?)"
  std::string to_text() const;

  friend bool operator==(const Error&, const Error&) = default;
};

}  // namespace millrace
