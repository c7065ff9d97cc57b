// For tests: the millrace-sql of this build, and the blocks of testdata/hostile.sql.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "lib/sql/parser.h"

namespace millrace::sql {

inline std::string parser_program() {
  const char* bin = std::getenv("MILLRACE_BIN_DIR");
  return std::string(bin == nullptr ? "bin" : bin) + "/millrace-sql";
}

// One parser for all tests of the program that do not break it.
inline Parser& shared_parser() {
  static Parser parser({.program = parser_program(), .deadline = seconds(30)});
  return parser;
}

struct HostileText {
  std::string id;
  std::string expect;  // a code, or "limits"
  std::string text;
};

inline std::vector<HostileText> read_hostile_texts() {
  const char* source = std::getenv("MILLRACE_SOURCE_DIR");
  std::ifstream file(std::string(source == nullptr ? "." : source) +
                     "/lib/sql/testdata/hostile.sql");
  std::vector<HostileText> texts;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("-- id: ")) {
      texts.push_back({.id = line.substr(7), .expect = "", .text = ""});
    } else if (!texts.empty() && line.starts_with("-- expect: ")) {
      texts.back().expect = line.substr(11);
    } else if (!texts.empty() && !(line.empty() && texts.back().text.empty())) {
      texts.back().text += line + "\n";
    }
  }
  return texts;
}

}  // namespace millrace::sql
