// Problem: why a request was not done, as RFC 9457 says it, or why no answer came. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace::client {

// One fault of a document. Lines and columns count from 1; 0: not known.
struct Defect {
  std::string code;     // "field.unknown"
  std::string pointer;  // RFC 6901: "/spec/tasks/3/query/sqll"; may be empty
  int line = 0;
  int column = 0;
  std::string detail;
  std::string hint;
  std::string subject = {};  // "dataset flight", where that tells more than the pointer
  friend bool operator==(const Defect&, const Defect&) = default;

  // The pointer as people write it: "spec.tasks[3].query.sqll".
  std::string path() const;
};

struct Problem {
  int status = 0;    // 0: no answer came
  std::string code;  // the end of the problem's type: "manifest.invalid"
  std::string title;
  std::string detail;
  std::string hint;
  std::string error_class;
  std::vector<Defect> defects;
  friend bool operator==(const Problem&, const Problem&) = default;
};

// Any body: one that is no problem document gives a Problem that says so.
Problem parse_problem(int status, std::string_view body);
Problem problem_of(const Error& error);

}  // namespace millrace::client
