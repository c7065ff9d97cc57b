#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <sstream>

#include "base/contents.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/file_error.h"
#include "base/fnv1a.h"
#include "base/id.h"
#include "base/lookup_map.h"
#include "base/result.h"
#include "base/text.h"
#include "base/units.h"
#include "base/utf8.h"

namespace millrace {
namespace {

struct ThingTag {};
using ThingId = Id<ThingTag>;

TEST(Id, text_form_survives_the_round_trip) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const ThingId id{RawId{random(), random()}};
    const auto back = ThingId::parse(id.to_text());
    ASSERT_TRUE(back.has_value()) << id;
    ASSERT_EQ(*back, id);
  }
}

TEST(Id, sorts_as_its_text_and_by_time) {
  std::mt19937_64 random(8);
  std::map<std::string, ThingId> by_text;
  for (int i = 0; i < 1'000; ++i) {
    const auto id = ThingId::make(WallTime(1'700'000'000'000'000 + i * 1000), random(), random());
    by_text[id.to_text()] = id;
  }
  ASSERT_EQ(by_text.size(), 1'000U);
  const ThingId* before = nullptr;
  for (const auto& [text, id] : by_text) {
    if (before != nullptr) {
      EXPECT_LT(*before, id) << text;
    }
    before = &id;
  }
}

TEST(Id, refuses_what_is_no_id) {
  EXPECT_FALSE(ThingId::parse(""));
  EXPECT_FALSE(ThingId::parse("8zzzzzzzzzzzzzzzzzzzzzzzzz"));  // over 128 bits
  EXPECT_FALSE(ThingId::parse("0123456789abcdefghjkmnpqil"));  // i and l are no digits
  EXPECT_FALSE(ThingId::parse("0123456789abcdefghjkmnpqrst"));
}

TEST(Error, says_what_where_and_what_to_do) {
  const Error error = Error{ErrorClass::kUser, "dataset.unknown", "no dataset named \"orders\""}
                          .at("tasks[2].reads")
                          .hint_at("did you mean \"order\"?");
  EXPECT_EQ(
      error.to_text(),
      "dataset.unknown at tasks[2].reads: no dataset named \"orders\" (did you mean \"order\"?)");
}

TEST(Error, classes_have_names_that_parse_back) {
  for (const auto value : {ErrorClass::kUser, ErrorClass::kTransient, ErrorClass::kResource,
                           ErrorClass::kInfrastructure, ErrorClass::kPolicy}) {
    ErrorClass back{};
    ASSERT_TRUE(parse_error_class(to_string(value), back));
    EXPECT_EQ(back, value);
  }
  ErrorClass ignored{};
  EXPECT_FALSE(parse_error_class("user", ignored));
}

Result<int> half(int number) {
  if (number % 2 != 0) return Error{ErrorClass::kUser, "number.odd", "odd"};
  return number / 2;
}
Result<int> quarter(int number) {
  MILLRACE_TRY(once, half(number));
  return half(once);
}

TEST(Result, carries_a_value_or_an_error) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().code, "number.odd");
  EXPECT_DEATH((void)quarter(3).value(), "number.odd");
}

TEST(FileError, tells_a_full_disk_from_the_rest) {
  const Error full = file_error("writing", "/data/part-0", ENOSPC);
  EXPECT_EQ(
      full.to_text(),
      "disk.full: writing \"/data/part-0\" failed: no space left on its disk (make room on the "
      "disk that holds it)");
  EXPECT_EQ(full.error_class, ErrorClass::kResource);
  EXPECT_EQ(file_error("writing", "/x", EDQUOT).code, "disk.full");
  EXPECT_EQ(file_error("making", "/x", std::make_error_code(std::errc::no_space_on_device)).code,
            "disk.full");
  const Error other = file_error("opening", "/x", EACCES, "command.start");
  EXPECT_EQ(other.to_text(), "command.start: opening \"/x\" failed: Permission denied");
  EXPECT_EQ(other.error_class, ErrorClass::kInfrastructure);
}

TEST(Failpoint, does_nothing_unless_it_is_told) {
  EXPECT_EQ(failpoints_on.load(), std::getenv("MILLRACE_FAILPOINT_STOP") != nullptr);
  MILLRACE_FAILPOINT("a.place");
  for (int i = 0; i < 3; ++i) MILLRACE_FAILPOINT("another.place");
}

// The child is the test above, told.
TEST(Failpoint, stops_whoever_comes_first_and_kills_at_the_nth_time) {
  std::string pattern = testing::TempDir() + "failpoint.XXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  const std::filesystem::path folder = pattern;
  std::ofstream(folder / "a.place") << "";
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("MILLRACE_FAILPOINT_STOP", folder.c_str(), 1);
    ::setenv("MILLRACE_FAILPOINT_KILL", "another.place:2", 1);
    ::unsetenv("GTEST_OUTPUT");
    ::execl("/proc/self/exe", "base_test",
            "--gtest_filter=Failpoint.does_nothing_unless_it_is_told", nullptr);
    ::_exit(127);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.place"));
  EXPECT_TRUE(std::filesystem::exists(folder / ("a.place." + std::to_string(child))));
  ::kill(child, SIGCONT);
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  std::filesystem::remove_all(folder);
}

TEST(Units, wall_and_monotonic_time_move_by_durations) {
  EXPECT_EQ((WallTime(5) + seconds(1)).value(), 1'000'005);
  EXPECT_EQ((Monotonic(3'000'000) - Monotonic(1'000'000)), seconds(2));
}

TEST(Text, numbers_are_grouped_and_nouns_agree) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(1'000'000), "1,000,000");
  EXPECT_EQ(grouped(-336'776), "-336,776");
  EXPECT_EQ(grouped(std::numeric_limits<std::int64_t>::min()), "-9,223,372,036,854,775,808");
  EXPECT_EQ(counted(0, "row"), "0 rows");
  EXPECT_EQ(counted(1, "row"), "1 row");
  EXPECT_EQ(counted(12'345, "file"), "12,345 files");
}

TEST(Text, numbers_and_blanks_are_read_strictly) {
  EXPECT_EQ(number_of("-12"), -12);
  EXPECT_EQ(number_of<double>("1e3"), 1000.0);
  for (const char* const text : {"", " 1", "1 ", "+1", "1.5", "x", "99999999999"})
    EXPECT_EQ(number_of(text), std::nullopt) << text;
  EXPECT_EQ(trimmed(" \t\r\n\v\fa b\n"), "a b");
  EXPECT_EQ(trimmed(" \n"), "");
}

TEST(Text, is_folded_in_ascii_alone) {
  EXPECT_EQ(folded("Dep_Delay Z@[`"), "dep_delay z@[`");
  EXPECT_EQ(folded("É"), "É");
}

TEST(Fnv1a, is_the_published_one) {
  EXPECT_EQ(fnv1a(""), 0xCBF29CE484222325ULL);
  EXPECT_EQ(fnv1a("a"), 0xAF63DC4C8601EC8CULL);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171F73967E8ULL);
  EXPECT_EQ(fnv1a("bar", fnv1a("foo")), fnv1a("foobar"));
}

TEST(LookupMap, finds_what_was_inserted_once) {
  LookupMap<int, int> map;
  EXPECT_TRUE(map.insert(1, 10));
  EXPECT_FALSE(map.insert(1, 11));
  EXPECT_EQ(*map.find(1), 10);
  EXPECT_TRUE(map.erase(1));
  EXPECT_EQ(map.find(1), nullptr);
}

TEST(Contents, are_all_there_is_and_nothing_of_what_can_not_be_read) {
  std::istringstream text(std::string("a\0b\n", 4));
  EXPECT_EQ(contents_of(text), std::string("a\0b\n", 4));
  std::istringstream nothing;
  EXPECT_EQ(contents_of(nothing), "");
  EXPECT_EQ(contents_of_file("/"), "") << "reading it fails, with an exception of the library's";
  EXPECT_EQ(contents_of_file("/nowhere/at/all"), "");
}

TEST(Utf8, is_checked_and_counted) {
  EXPECT_EQ(valid_utf8_prefix("aé→😀"), std::string_view("aé→😀").size());
  EXPECT_EQ(count_characters("aé→😀"), 4u);
  for (const char* bad : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xFF"})
    EXPECT_EQ(valid_utf8_prefix("ok" + std::string(bad)), 2u);
}

TEST(Utf8, is_cut_between_characters) {
  EXPECT_EQ(whole_characters("a漢", 4), 4u);
  EXPECT_EQ(whole_characters("a漢", 3), 1u);
  EXPECT_EQ(whole_characters("a漢", 0), 0u);
  EXPECT_EQ(whole_characters("\x80\x80\x80", 2), 2u) << "no character at all: cut all the same";
}

TEST(Utf8, a_character_that_goes_on_is_left_out) {
  const std::string text = "aé→😀";
  for (const std::size_t whole : {0U, 1U, 3U, 6U, 10U})
    EXPECT_EQ(without_begun_character(text.substr(0, whole)), whole);
  for (const auto& [cut, whole] : {std::pair{2U, 1U}, {4U, 3U}, {5U, 3U}, {7U, 6U}, {9U, 6U}})
    EXPECT_EQ(without_begun_character(text.substr(0, cut)), whole) << cut;
  EXPECT_EQ(without_begun_character("\x80\x80\x80\x80"), 4U) << "begins nothing";
}

TEST(Utf8, is_made_of_what_is_none) {
  struct Row {
    std::string in;
    std::string out;
  };
  const Row rows[] = {
      {"", ""},
      {"plain", "plain"},
      {"ä€😀", "ä€😀"},
      {std::string("a\0b", 3), "a\uFFFDb"},
      {"\xff", "\uFFFD"},
      {"\xc3", "\uFFFD"},                               // cut off
      {"\xc0\xaf", "\uFFFD\uFFFD"},                     // overlong
      {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},           // a surrogate
      {"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"}  // beyond U+10FFFF
  };
  for (const Row& row : rows) EXPECT_EQ(clean_text(row.in), row.out);
}

}  // namespace
}  // namespace millrace
