#include "manifest/quantity.h"

#include <gtest/gtest.h>

#include <random>

namespace millrace::manifest {
namespace {

TEST(Durations, are_read_and_written_in_one_spelling) {
  const struct {
    const char* text;
    std::int64_t micros;
    const char* spelled;
  } rows[] = {
      {"0s", 0, "0s"},
      {"1ms", 1'000, "1ms"},
      {"30s", 30'000'000, "30s"},
      {"90m", 5'400'000'000, "1h30m"},
      {"1h30m", 5'400'000'000, "1h30m"},
      {"1h1h", 7'200'000'000, "2h"},
      {"1500ms", 1'500'000, "1s500ms"},
      {"99999h", 359'996'400'000'000, "99999h"},
  };
  for (const auto& row : rows) {
    auto parsed = parse_duration(row.text);
    ASSERT_TRUE(parsed.ok()) << row.text;
    EXPECT_EQ(parsed->value(), row.micros) << row.text;
    EXPECT_EQ(format_duration(*parsed), row.spelled);
  }
  for (const char* text : {"", "s", "1", "90", "-1s", "1.5h", "1d", "1 s", "123456s",
                           "1h1m1s1ms1ms", "99999h1ms", "1S", "1ms2", "１s"})
    EXPECT_FALSE(parse_duration(text).ok()) << text;
}

TEST(Durations, every_spelling_of_ours_is_read_back) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const auto millis = static_cast<std::int64_t>(random() % 360'000'000'000) >> (random() % 38);
    const Micros duration(millis * 1'000);
    auto parsed = parse_duration(format_duration(duration));
    ASSERT_TRUE(parsed.ok()) << format_duration(duration);
    EXPECT_EQ(*parsed, duration);
  }
}

TEST(Cpu, is_read_in_thousandths_of_a_core) {
  EXPECT_EQ(parse_cpu("500m")->value(), 500);
  EXPECT_EQ(parse_cpu("2")->value(), 2'000);
  EXPECT_EQ(parse_cpu("0.5")->value(), 500);
  EXPECT_EQ(parse_cpu("1.250")->value(), 1'250);
  EXPECT_EQ(format_cpu(MilliCpu(2'000)), "2");
  EXPECT_EQ(format_cpu(MilliCpu(1'500)), "1500m");
  for (const char* text : {"", "m", "1.5m", "0.0001", "2 ", "-1", "1e3", "1.", ".5", "two",
                           "1000001", "99999999999999999999"})
    EXPECT_FALSE(parse_cpu(text).ok()) << text;
}

TEST(ByteAmounts, are_whole_numbers_with_suffixes) {
  EXPECT_EQ(parse_bytes("512")->value(), 512);
  EXPECT_EQ(parse_bytes("2Gi")->value(), std::int64_t{2} << 30);
  EXPECT_EQ(parse_bytes("1.5Ki")->value(), 1'536);
  EXPECT_EQ(parse_bytes("1500M")->value(), 1'500'000'000);
  EXPECT_EQ(parse_bytes("0.000001M")->value(), 1);
  EXPECT_EQ(format_bytes(Bytes(std::int64_t{3} << 29)), "1536Mi");
  EXPECT_EQ(format_bytes(Bytes(0)), "0");
  EXPECT_EQ(format_bytes(Bytes(1'500'000'001)), "1500000001");
  for (const char* text :
       {"", "Gi", "2GB", "2gi", "8Ei", "0.1Ki", "-1", "1e9", "100m", "1 Gi", "9223372036854775808"})
    EXPECT_FALSE(parse_bytes(text).ok()) << text;
  for (int shift = 0; shift < 63; ++shift) {
    const Bytes bytes(std::int64_t{1} << shift);
    EXPECT_EQ(*parse_bytes(format_bytes(bytes)), bytes) << shift;
  }
}

}  // namespace
}  // namespace millrace::manifest
