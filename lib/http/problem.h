// Problem details of RFC 9457, application/problem+json, with the members that every door of
// Millrace shows: the error's class, and one entry for each place that is wrong.
#pragma once

#include <string>
#include <vector>

#include "lib/http/message.h"

namespace millrace::http {

// One thing that is wrong with what was sent. Empty strings and zeros are left out.
struct ProblemEntry {
  std::string code{};     // stable, dotted: "field.unknown"
  std::string pointer{};  // JSON pointer into the body, "/spec/tasks/3/query/sqll"
  int line = 0;           // from 1, of the body as sent
  int column = 0;         // from 1
  std::string detail{};
  std::string hint{};
  std::string subject{};  // "dataset flight", where that tells more than the pointer
  friend bool operator==(const ProblemEntry&, const ProblemEntry&) = default;
};

struct Problem {
  int status = 500;
  std::string
      code{};  // stable, dotted: "document.conflict"; `type` is https://millrace.io/e/<code>
  std::string title{};
  std::string detail{};
  std::string error_class{};  // "User"; see base/error.h
  std::string hint{};
  std::vector<ProblemEntry> errors{};
  friend bool operator==(const Problem&, const Problem&) = default;
};

std::string to_json(const Problem& problem);
// With the content type, and cache-control: no-store.
Response to_response(const Problem& problem);

}  // namespace millrace::http
