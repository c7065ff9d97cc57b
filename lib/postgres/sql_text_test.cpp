#include "lib/postgres/sql_text.h"

#include <gtest/gtest.h>

#include <random>

namespace millrace::postgres {
namespace {

TEST(SqlText, ids_are_uuids_and_sort_alike) {
  EXPECT_EQ(to_uuid({0x0123456789abcdefULL, 0xfedcba9876543210ULL}),
            "01234567-89ab-cdef-fedc-ba9876543210");
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const RawId a{random(), random()};
    const RawId b{random(), random()};
    EXPECT_EQ(from_uuid(to_uuid(a)), a);
    EXPECT_EQ(a < b, to_uuid(a) < to_uuid(b));
  }
  for (const char* wrong :
       {"", "0", "01234567-89ab-cdef-fedc-ba987654321", "x1234567-89ab-cdef-fedc-ba9876543210",
        "01234567-89ab-cdef-fedc-ba98765432100"}) {
    EXPECT_FALSE(from_uuid(wrong)) << wrong;
  }
}

TEST(SqlText, bytes_come_back) {
  const std::string all = [] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    return bytes;
  }();
  EXPECT_EQ(from_bytea(to_bytea(all)), all);
  EXPECT_EQ(to_bytea(std::string_view("\x00\xff", 2)), "\\x00ff");
  for (const char* wrong : {"", "00", "\\x0", "\\xzz"}) EXPECT_FALSE(from_bytea(wrong)) << wrong;
}

TEST(SqlText, arrays_quote_what_has_a_meaning) {
  SqlArray array;
  EXPECT_EQ(array.text(), "{}");
  array.add("a,b");
  array.add("say \"hi\" \\ {}");
  array.add("");
  array.add("NULL");
  array.add_null();
  array.add(-7);
  EXPECT_EQ(array.text(), R"({"a,b","say \"hi\" \\ {}","","NULL",NULL,-7})");
  EXPECT_EQ(array.size(), 6U);
}

}  // namespace
}  // namespace millrace::postgres
