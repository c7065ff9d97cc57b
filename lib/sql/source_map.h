// SourceMap: from the engine's places in a SQL text to line and column, and the places that the
// engine does not tell: parameters, the first word, a second statement.
//
// It reads the text with a lexer of its own. That lexer only ever decides where a message points,
// never what is allowed: a difference between it and the engine's costs a column number.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sql/statement.h"

namespace millrace::sql {

class SourceMap {
 public:
  // `text` must outlive the map. O(bytes); each lookup is O(1 KiB), so a text full of names stays
  // linear.
  explicit SourceMap(std::string_view text);

  // Every place is clamped to the text.
  Position at(std::size_t offset) const;
  // A byte offset as the engine tells it in a tree: it has put one plain space in place of each
  // Unicode space outside quotes, so bytes after one are shifted.
  Position at_engine_byte(std::size_t engine_offset) const;
  // A place as the engine tells it in a syntax error: it counts characters there.
  Position at_engine_character(std::size_t characters) const;

  std::string_view text() const { return text_; }
  // First use of $name in the text.
  std::optional<Position> parameter(std::string_view name) const;
  // The n-th "?", which the parser calls n; it is nobody's name.
  std::optional<Position> question_mark(std::string_view n) const;
  // Where the first word begins, and the word itself ("COPY"); empty for a text of spaces and
  // comments.
  Position first_word_position() const { return at(first_word_offset_); }
  std::string_view first_word() const;
  // Where a statement after the first one's semicolon begins.
  std::optional<Position> second_statement() const;

 private:
  void scan();
  void find_engine_spaces();
  std::size_t characters_before(std::size_t offset) const;

  std::string_view text_;
  std::vector<std::size_t> line_starts_;
  std::vector<std::size_t> characters_at_;  // characters before each multiple of 1 KiB
  struct Shrunk {
    std::size_t engine_offset;  // just after the space, as the engine counts
    std::size_t offset;         // the same place here
  };
  std::vector<Shrunk> shrunk_;
  std::map<std::string, std::size_t, std::less<>> parameters_;
  std::vector<std::size_t> question_marks_;
  std::size_t first_word_offset_ = 0;
  std::size_t second_statement_offset_ = std::string_view::npos;
};

}  // namespace millrace::sql
