// Rules on literal arguments, at their edges.
#include "lib/sql/argument_check.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace millrace::sql {
namespace {

Argument number(std::int64_t value) { return {.number = value, .text = std::nullopt}; }
Argument text(std::string value) { return {.number = std::nullopt, .text = std::move(value)}; }

bool passes(const char* function, const std::vector<Argument>& arguments) {
  const ArgumentRule* rule = argument_rule(function);
  if (rule == nullptr) {
    ADD_FAILURE() << "no rule for " << function;
    return false;
  }
  const Status status = check_arguments(*rule, arguments);
  if (!status.ok()) {
    EXPECT_EQ(status.error().code, "sql.argument_refused");
    EXPECT_EQ(status.error().error_class, ErrorClass::kPolicy);
    EXPECT_FALSE(status.error().hint.empty());
  }
  return status.ok();
}

TEST(ArgumentCheck, counts) {
  for (const char* function :
       {"repeat", "lpad", "rpad", "list_resize", "array_resize", "bitstring"}) {
    EXPECT_TRUE(passes(function, {text("x"), number(10'000), text("y")})) << function;
    EXPECT_FALSE(passes(function, {text("x"), number(10'001), text("y")})) << function;
    EXPECT_FALSE(passes(function, {text("x"), {}, text("y")})) << function;
    EXPECT_TRUE(passes(function, {text("x"), number(-5)})) << function;
  }
  EXPECT_TRUE(passes("equi_width_bins", {number(0), number(1'000'000), number(10), {}}));
  EXPECT_FALSE(passes("equi_width_bins", {number(0), number(1), number(1'000'000), {}}));
}

TEST(ArgumentCheck, series) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  for (const char* function : {"range", "generate_series"}) {
    EXPECT_TRUE(passes(function, {number(1'000'000)}));
    EXPECT_FALSE(passes(function, {number(1'000'001)}));
    EXPECT_TRUE(passes(function, {number(5'000'000), number(5'000'100)}));
    EXPECT_FALSE(passes(function, {number(kMin), number(kMax)}));
    EXPECT_FALSE(passes(function, {number(kMin), number(kMax), number(1000)}));
    EXPECT_TRUE(passes(function, {number(0), number(10'000'000), number(100)}));
    EXPECT_TRUE(passes(function, {number(10'000'000), number(0), number(-100)}));
    EXPECT_FALSE(passes(function, {number(0), number(kMax), number(0)}));
    EXPECT_TRUE(passes(function, {number(0), number(100), number(kMin)}));
    EXPECT_FALSE(passes(function, {{}}));
    EXPECT_FALSE(passes(function, {number(1), {}}));
    EXPECT_FALSE(passes(function, {}));
  }
}

TEST(ArgumentCheck, structures) {
  const auto nested = [](std::size_t depth) {
    return text(std::string(depth, '[') + "\"INT\"" + std::string(depth, ']'));
  };
  EXPECT_TRUE(passes("from_json", {{}, nested(100)}));
  EXPECT_FALSE(passes("from_json", {{}, nested(101)}));
  EXPECT_FALSE(passes("json_transform", {{}, {}}));
  EXPECT_TRUE(passes("json_transform", {{}, text(R"([{"a":1},{"b":[2]}])")}));
}

TEST(ArgumentCheck, formats) {
  for (const char* good : {"", "{}", "{:>10}", "{0} of {1}", "{{:99999999}} {}", "in 20240101 {:,}",
                           "{", "}", "{:05.2f}%"}) {
    EXPECT_TRUE(passes("format", {text(good), number(1)})) << good;
  }
  for (const char* bad : {"{:10001}", "{:{}}", "{:>99999999999999999999999999}", "{:.{}}",
                          "{:.20000f}", "{} {:100000}", "{{{:100000}}}"}) {
    EXPECT_FALSE(passes("format", {text(bad), number(1)})) << bad;
  }
  for (const char* good :
       {"", "%d", "%05d", "%%99999999", "100000 %s", "%-10s|%+d", "%", "%.2f 123456"}) {
    EXPECT_TRUE(passes("printf", {text(good), number(1)})) << good;
  }
  for (const char* bad :
       {"%100000d", "%*d", "%-*d", "%.*f", "%.99999f", "%d %100000s", "%%%100000d"}) {
    EXPECT_FALSE(passes("printf", {text(bad), number(1)})) << bad;
  }
  EXPECT_FALSE(passes("format", {{}, number(1)}));
  EXPECT_FALSE(passes("printf", {{}}));
}

}  // namespace
}  // namespace millrace::sql
