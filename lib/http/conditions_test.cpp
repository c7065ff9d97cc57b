#include "lib/http/conditions.h"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

struct Case {
  std::vector<std::string> fields;
  std::string present;  // empty: nothing is there
  bool holds;
};

TEST(Conditions, if_match_wants_one_of_the_versions_itself) {
  for (const Case& c : {
           Case{{}, "\"4\"", true},
           Case{{}, "", true},
           Case{{"\"4\""}, "\"4\"", true},
           Case{{"\"4\""}, "\"5\"", false},
           Case{{"\"4\""}, "", false},
           Case{{"\"x\", \"4\""}, "\"4\"", true},
           Case{{"\"x\",,\"4\" ,"}, "\"4\"", true},
           Case{{"\"x\"", "\"4\""}, "\"4\"", true},
           Case{{"\"a, \\\", \"4\""}, "\"4\"", true},  // a comma and a backslash in a tag
           Case{{"\"a, 4\""}, "\"4\"", false},
           Case{{"W/\"4\""}, "\"4\"", false},
           Case{{"*"}, "\"4\"", true},
           Case{{"*"}, "", false},
           Case{{"4"}, "\"4\"", false},
           Case{{"\"4\" \"5\""}, "\"4\"", false},
           Case{{"\"4\", what"}, "\"4\"", false},
           Case{{"\"4"}, "\"4\"", false},
           Case{{""}, "\"4\"", false},
       }) {
    Headers headers;
    std::string text;
    for (const std::string& field : c.fields) headers.add("If-Match", field), text += field + " | ";
    EXPECT_EQ(if_match_holds(headers, c.present), c.holds) << text << "of " << c.present;
  }
}

TEST(Conditions, if_none_match_wants_none_of_them_in_any_form) {
  for (const Case& c : {
           Case{{}, "\"4\"", true},
           Case{{"\"4\""}, "\"4\"", false},
           Case{{"W/\"4\""}, "\"4\"", false},
           Case{{"\"a\", \"4\""}, "\"4\"", false},
           Case{{"\"a\"", "W/\"4\""}, "\"4\"", false},
           Case{{"\"a\""}, "\"4\"", true},
           Case{{"w/\"4\""}, "\"4\"", true},  // case counts
           Case{{"\"4\""}, "", true},
           Case{{"*"}, "\"4\"", false},
           Case{{"*"}, "", true},
           Case{{"what"}, "\"4\"", true},
       }) {
    Headers headers;
    std::string text;
    for (const std::string& field : c.fields)
      headers.add("If-None-Match", field), text += field + " | ";
    EXPECT_EQ(if_none_match_holds(headers, c.present), c.holds) << text << "of " << c.present;
  }
}

}  // namespace
}  // namespace millrace::http
