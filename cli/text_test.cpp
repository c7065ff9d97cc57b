#include "cli/text.h"

#include <gtest/gtest.h>

#include <random>

#include "cli/diff_text.h"
#include "cli/listing.h"
#include "cli/yaml_text.h"

namespace millrace::cli {
namespace {

TEST(Text, numbers) {
  EXPECT_EQ(bytes_text(1'023), "1023 B");
  EXPECT_EQ(bytes_text(1'536), "1.5 KiB");
  EXPECT_EQ(bytes_text((std::int64_t{1} << 30) - 1), "1.0 GiB");
  EXPECT_EQ(rate_text(336'776, milliseconds(800)), "420,000/s");
  EXPECT_EQ(rate_text(336'776, milliseconds(50)), "");
  EXPECT_EQ(rate_text(0, seconds(1)), "");
}

TEST(Text, durations) {
  EXPECT_EQ(duration_text(milliseconds(120)), "120ms");
  EXPECT_EQ(duration_text(milliseconds(1'949)), "1.9s");
  EXPECT_EQ(duration_text(seconds(130)), "2m10s");
  EXPECT_EQ(duration_text(seconds(3 * 3'600 + 5 * 60)), "3h05m");
  EXPECT_EQ(duration_text(seconds(52 * 3'600)), "2d04h");
  EXPECT_EQ(duration_text(Micros(-5)), "0ms");
  EXPECT_EQ(age_text(seconds(119)), "119s");
  EXPECT_EQ(age_text(seconds(120)), "2m");
}

TEST(Text, times) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:01Z"), WallTime(1'000'000));
  EXPECT_EQ(parse_time("2024-05-01T10:31:00.25Z"), WallTime(1'714'559'460'250'000));
  for (const char* text : {"", "2024", "2024-13-01T10:31:00Z", "2024-05-01T10:31:00",
                           "2024-05-0aT10:31:00Z", "yesterday!!!!!!!!!!!Z"})
    EXPECT_EQ(parse_time(text), WallTime()) << text;
}

TEST(Text, foreign_text_cannot_steer_the_terminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\x07\x9b"), "a?[2Jb??");
  EXPECT_EQ(printable("a\nb\tc"), "a b c");
  EXPECT_EQ(printable("a\nb\tc", true), "a\nb\tc");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");  // CSI as one character
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "evil"),
            "?evil");  // right to left
  EXPECT_EQ(printable("Zürich 東京"), "Zürich 東京");
  std::mt19937 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes;
    for (int i = 0; i < 20; ++i) bytes += static_cast<char>(random());
    for (const char c : printable(bytes))
      EXPECT_FALSE((c >= 0 && c < 0x20) || c == 0x7F) << "round " << round;
  }
}

TEST(Text, widths) {
  EXPECT_EQ(display_width("Zürich"), 6);
  EXPECT_EQ(display_width("東京"), 4);
  EXPECT_EQ(fit("abcdef", 4), "abc…");
  EXPECT_EQ(fit("東京タワー", 5), "東京…");
  EXPECT_EQ(fit("abc", 3), "abc");
  EXPECT_EQ(fit("abc", 0), "");
  EXPECT_EQ(padded("é", 3), "é  ");
}

TEST(Text, table) {
  EXPECT_EQ(table_text({{"NAME"}, {"ROWS", true}, {"MESSAGE"}},
                       {{"flights", "336,776", ""}, {"w", "1", "fine"}}),
            "NAME        ROWS  MESSAGE\n"
            "flights  336,776\n"
            "w              1  fine\n");
}

TEST(Diff, table) {
  struct Case {
    std::string before, after, diff;
  };
  const std::vector<Case> cases = {
      {"a\nb\n", "a\nb\n", ""},
      {"", "a\n", "+a\n"},
      {"a\nb\nc\n", "a\nx\nc\n", " a\n-b\n+x\n c\n"},
      {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\nx\n", "@@\n 7\n 8\n 9\n+x\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(diff_text(c.before, c.after), c.diff);
}

TEST(Diff, applied_to_the_first_gives_the_second) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::string texts[2];
    for (std::string& text : texts)
      for (auto i = random() % 12; i > 0; --i)
        text += std::string(1, static_cast<char>('a' + random() % 3)) + "\n";
    std::string shown_before;
    std::string shown_after;
    const std::string diff = diff_text(texts[0], texts[1]);
    if (diff.find("@@") != std::string::npos) continue;
    for (std::size_t at = 0; at < diff.size(); at = diff.find('\n', at) + 1) {
      const std::string line = diff.substr(at + 1, diff.find('\n', at) - at);
      if (diff[at] != '+') shown_before += line;
      if (diff[at] != '-') shown_after += line;
    }
    if (diff.empty()) continue;
    EXPECT_EQ(shown_before, texts[0]) << "seed " << seed;
    EXPECT_EQ(shown_after, texts[1]) << "seed " << seed;
  }
}

TEST(Yaml, quotes_what_readers_would_take_for_something_else) {
  EXPECT_EQ(
      yaml_of_json(
          R"({"a":"NO","b":"on","c":"012","d":"1.5","e":"","f":"plain text","g":true,"h":null,"i":3,
    "j":"a: b","k":" x","l":"- x","m":"~","z":"y"})"),
      "a: \"NO\"\nb: \"on\"\nc: \"012\"\nd: \"1.5\"\ne: \"\"\nf: plain text\ng: true\nh: null\ni: "
      "3\n"
      "j: \"a: b\"\nk: \" x\"\nl: \"- x\"\nm: \"~\"\nz: \"y\"\n");
}

TEST(Yaml, structure) {
  EXPECT_EQ(
      yaml_of_json(
          R"({"spec":{"tasks":[{"name":"a","sql":"SELECT 1\nFROM x\n"},{"name":"b","list":["p","q"]}],"none":[],"map":{}}})"),
      "spec:\n"
      "  tasks:\n"
      "  - name: a\n"
      "    sql: |\n"
      "      SELECT 1\n"
      "      FROM x\n"
      "  - name: b\n"
      "    list:\n"
      "    - p\n"
      "    - q\n"
      "  none: []\n"
      "  map: {}\n");
  EXPECT_EQ(yaml_of_json("\"x\""), "x\n");
  EXPECT_EQ(yaml_of_json("no json"), "no json");
}

constexpr const char* kRuns = R"({"items":[
  {"metadata":{"name":"flights-7k2","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"workflow":"flights"},
   "status":{"phase":"Succeeded","done":"6/6"}},
  {"metadata":{"name":"churn-p0x","creationTimestamp":"2026-01-01T00:01:50Z"},"spec":{"workflow":"churn"},
   "status":{"phase":"Running","done":"12/40","lastError":"train: out of\u001b[2J memory"}}],"asOf":"17"})";

TEST(Listing, runs) {
  EXPECT_EQ(listing_text("runs", kRuns, Format::kTable, parse_time("2026-01-01T00:02:00Z")),
            "NAME         WORKFLOW  PHASE      DONE   AGE  MESSAGE\n"
            "flights-7k2  flights   Succeeded  6/6    2m\n"
            "churn-p0x    churn     Running    12/40  10s  train: out of?[2J memory\n");
  EXPECT_EQ(listing_text("runs", kRuns, Format::kName, WallTime()), "flights-7k2\nchurn-p0x\n");
}

TEST(Listing, one_object_is_a_table_of_one_row) {
  EXPECT_EQ(
      listing_text(
          "datasets",
          R"({"metadata":{"name":"delays"},"status":{"rows":24,"files":1,"bytes":2048,"snapshot":"01h"}})",
          Format::kTable, WallTime()),
      "NAME    ROWS  FILES     SIZE  UPDATED  SNAPSHOT\n"
      "delays    24      1  2.0 KiB           01h\n");
}

}  // namespace
}  // namespace millrace::cli
