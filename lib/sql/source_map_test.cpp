// Places in texts with lines, UTF-8, quotes and comments.
#include "lib/sql/source_map.h"

#include <gtest/gtest.h>

#include <random>

namespace millrace::sql {
namespace {

TEST(SourceMap, lines_and_columns_count_characters) {
  const SourceMap map("aé\n\n😀b");
  EXPECT_EQ(map.at(0), (Position{0, 1, 1}));
  EXPECT_EQ(map.at(1), (Position{1, 1, 2}));
  EXPECT_EQ(map.at(2), (Position{1, 1, 2}));  // inside é: its start
  EXPECT_EQ(map.at(3), (Position{3, 1, 3}));
  EXPECT_EQ(map.at(4), (Position{4, 2, 1}));
  EXPECT_EQ(map.at(5), (Position{5, 3, 1}));
  EXPECT_EQ(map.at(9), (Position{9, 3, 2}));
  EXPECT_EQ(map.at(10), (Position{10, 3, 3}));
  EXPECT_EQ(map.at(1'000'000), (Position{10, 3, 3}));
  EXPECT_EQ(SourceMap("").at(5), (Position{0, 1, 1}));
}

TEST(SourceMap, agrees_with_a_count_from_the_start) {
  std::mt19937 random(11);
  std::string text;
  const std::string pieces[] = {"a", "é", "€", "😀", "\n", "'", "\"", "--", "/*", "$x"};
  while (text.size() < 5000) text += pieces[random() % std::size(pieces)];
  const SourceMap map(text);
  int line = 1;
  int column = 1;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) continue;
    ASSERT_EQ(map.at(i), (Position{i, line, column})) << i;
    ASSERT_EQ(map.at_engine_character(characters), (Position{i, line, column})) << i;
    ASSERT_EQ(offset_in(text, Position{0, line, column}), i);
    ++characters;
    ++column;
    if (text[i] == '\n') {
      ++line;
      column = 1;
    }
  }
  EXPECT_EQ(map.at_engine_character(characters + 7).offset, text.size());
  EXPECT_EQ(offset_in(text, Position{0, line + 5, 1}), text.size());
  EXPECT_EQ(offset_in(text, Position{0, line, column + 5}), text.size());
}

TEST(SourceMap, the_engines_bytes_skip_what_it_shrinks) {
  // Two Unicode spaces of two and three bytes become one byte each; those in quotes stay.
  const SourceMap map("a\u00A0b\u2003c '\u00A0' d");
  EXPECT_EQ(map.at_engine_byte(0).offset, 0U);
  EXPECT_EQ(map.at_engine_byte(2).offset, 3U);    // b
  EXPECT_EQ(map.at_engine_byte(4).offset, 7U);    // c
  EXPECT_EQ(map.at_engine_byte(11).offset, 14U);  // d
  EXPECT_EQ(map.at_engine_byte(~std::size_t{0}).offset, 15U);
}

TEST(SourceMap, parameters_are_found_outside_quotes_and_comments) {
  const SourceMap map(
      "$a '$b' \"$c\" $$ $d $$ $t$ $e $t$ -- $f\n /* $g /* $h */ $i */ E'\\'$j' x$k ($l)$a");
  for (const char* hidden : {"b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}) {
    EXPECT_EQ(map.parameter(hidden), std::nullopt) << hidden;
  }
  EXPECT_EQ(map.parameter("a")->offset, 0U);
  ASSERT_TRUE(map.parameter("l").has_value());
  EXPECT_EQ(map.parameter("l")->line, 2);
}

TEST(SourceMap, first_word_and_second_statement) {
  EXPECT_EQ(SourceMap("  -- x\n /* y */ copy t").first_word(), "copy");
  EXPECT_EQ(SourceMap("(select 1)").first_word(), "");
  EXPECT_EQ(SourceMap("").first_word(), "");
  EXPECT_EQ(SourceMap("select 1; -- x\n").second_statement(), std::nullopt);
  EXPECT_EQ(SourceMap("; select ';' ; x").second_statement()->offset, 15U);
}

TEST(SourceMap, takes_any_bytes) {
  std::mt19937 random(12);
  const char alphabet[] = "'\"$-/*\n\\eEa;\xc2\xa0\xe2\x80\x83\xff\xf0";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const std::size_t size = random() % 40;
    while (text.size() < size) text += alphabet[random() % (sizeof(alphabet) - 1)];
    const SourceMap map(text);
    for (const std::size_t place : {std::size_t{0}, std::size_t{7}, text.size(), ~std::size_t{0}}) {
      ASSERT_LE(map.at(place).offset, text.size());
      ASSERT_LE(map.at_engine_byte(place).offset, text.size());
      ASSERT_LE(map.at_engine_character(place).offset, text.size());
    }
  }
}

}  // namespace
}  // namespace millrace::sql
