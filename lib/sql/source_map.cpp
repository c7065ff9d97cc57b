#include "lib/sql/source_map.h"

#include <algorithm>
#include <charconv>

namespace millrace::sql {
namespace {

constexpr std::size_t kStride = 1024;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80U;
}
bool is_name(char c) { return is_name_start(c) || is_digit(c) || c == '$'; }

// Bytes of the Unicode space at `at` that the engine reads as a space, or 0.
std::size_t unicode_space_size(std::string_view text, std::size_t at) {
  static constexpr std::string_view kSpaces[] = {
      "\u00A0",                                                              // no-break
      "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",  // en quad … six-per-em
      "\u2007", "\u2008", "\u2009", "\u200A", "\u200B",                      // figure … zero width
      "\u202F", "\u205F", "\u2060", "\u3000", "\uFEFF"};
  if (static_cast<unsigned char>(text[at]) < 0xC2U) return 0;
  for (std::string_view space : kSpaces) {
    if (text.substr(at, space.size()) == space) return space.size();
  }
  return 0;
}

std::size_t find_or_end(std::string_view text, std::string_view what, std::size_t from) {
  const std::size_t found = text.find(what, from);
  return found == std::string_view::npos ? text.size() : found + what.size();
}

// One past a text in quotes that opens at `at`; a doubled quote is part of it, and so is \' where
// `escapes` (E'…').
std::size_t end_of_quoted(std::string_view text, std::size_t at, bool escapes) {
  const char quote = text[at];
  std::size_t i = at + 1;
  while (i < text.size()) {
    if (escapes && text[i] == '\\') {
      i += 2;
    } else if (text[i] == quote) {
      if (i + 1 >= text.size() || text[i + 1] != quote) return i + 1;
      i += 2;
    } else {
      ++i;
    }
  }
  return text.size();
}

std::size_t end_of_block_comment(std::string_view text, std::size_t at) {
  int depth = 0;
  std::size_t i = at;
  while (i + 1 < text.size()) {
    const std::string_view pair = text.substr(i, 2);
    if (pair == "/*") {
      ++depth;
      i += 2;
    } else if (pair == "*/") {
      i += 2;
      if (--depth == 0) return i;
    } else {
      ++i;
    }
  }
  return text.size();
}

// One past the opening $tag$ at `at`, or `at` when none opens there.
std::size_t end_of_dollar_tag(std::string_view text, std::size_t at) {
  std::size_t i = at + 1;
  if (i < text.size() && is_digit(text[i])) return at;
  while (i < text.size() && (is_name_start(text[i]) || is_digit(text[i]))) ++i;
  return i < text.size() && text[i] == '$' ? i + 1 : at;
}

}  // namespace

SourceMap::SourceMap(std::string_view text) : text_(text) {
  line_starts_.push_back(0);
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % kStride == 0) characters_at_.push_back(characters);
    if (!is_continuation(text[i])) ++characters;
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  }
  find_engine_spaces();
  scan();
}

// As the engine does before it parses: quotes of both kinds (a doubled one closes and opens),
// $tag$…$tag$ and -- comments are left alone; /* comments and escapes in E'…' are not known to it
// at this stage.
void SourceMap::find_engine_spaces() {
  std::size_t saved = 0;
  std::size_t i = 0;
  while (i < text_.size()) {
    const char c = text_[i];
    if (c == '\'' || c == '"') {
      i = find_or_end(text_, text_.substr(i, 1), i + 1);
    } else if (c == '-' && text_.substr(i, 2) == "--") {
      i = find_or_end(text_, "\n", i);
    } else if (const std::size_t tag_end = c == '$' ? end_of_dollar_tag(text_, i) : i;
               tag_end > i) {
      i = find_or_end(text_, text_.substr(i, tag_end - i), tag_end);
    } else if (const std::size_t size = unicode_space_size(text_, i); size > 0) {
      i += size;
      saved += size - 1;
      shrunk_.push_back({.engine_offset = i - saved, .offset = i});
    } else {
      ++i;
    }
  }
}

void SourceMap::scan() {
  bool statement_seen = false;
  bool separator_seen = false;
  std::size_t i = 0;
  while (i < text_.size()) {
    const char c = text_[i];
    if (is_space(c)) {
      ++i;
      continue;
    }
    if (const std::size_t size = unicode_space_size(text_, i); size > 0) {
      i += size;
      continue;
    }
    if (c == '-' && text_.substr(i, 2) == "--") {
      i = find_or_end(text_, "\n", i);
      continue;
    }
    if (c == '/' && text_.substr(i, 2) == "/*") {
      i = end_of_block_comment(text_, i);
      continue;
    }
    if (c == ';') {
      separator_seen = separator_seen || statement_seen;
      ++i;
      continue;
    }
    if (!statement_seen) {
      first_word_offset_ = i;
      statement_seen = true;
    } else if (separator_seen && second_statement_offset_ == std::string_view::npos) {
      second_statement_offset_ = i;
    }
    if (c == '\'' || c == '"') {
      const bool escapes = c == '\'' && i > 0 && (text_[i - 1] == 'e' || text_[i - 1] == 'E') &&
                           (i < 2 || !is_name(text_[i - 2]));
      i = end_of_quoted(text_, i, escapes);
    } else if (is_name_start(c)) {
      while (i < text_.size() && is_name(text_[i]) && unicode_space_size(text_, i) == 0) ++i;
    } else if (c == '$') {
      if (const std::size_t tag_end = end_of_dollar_tag(text_, i); tag_end > i) {
        i = find_or_end(text_, text_.substr(i, tag_end - i), tag_end);
        continue;
      }
      const std::size_t start = i++;
      while (i < text_.size() && is_name(text_[i]) && text_[i] != '$' &&
             unicode_space_size(text_, i) == 0) {
        ++i;
      }
      parameters_.try_emplace(std::string(text_.substr(start + 1, i - start - 1)), start);
    } else {
      if (c == '?') question_marks_.push_back(i);
      ++i;
    }
  }
}

std::size_t SourceMap::characters_before(std::size_t offset) const {
  const std::size_t stride = offset / kStride;
  if (characters_at_.empty()) return 0;
  const std::size_t from = std::min(stride, characters_at_.size() - 1);
  std::size_t characters = characters_at_[from];
  for (std::size_t i = from * kStride; i < offset; ++i) {
    if (!is_continuation(text_[i])) ++characters;
  }
  return characters;
}

Position SourceMap::at(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  while (offset > 0 && offset < text_.size() && is_continuation(text_[offset])) --offset;
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const std::size_t line_start = *std::prev(next);
  return {
      .offset = offset,
      .line = static_cast<int>(next - line_starts_.begin()),
      .column = static_cast<int>(characters_before(offset) - characters_before(line_start)) + 1};
}

Position SourceMap::at_engine_byte(std::size_t engine_offset) const {
  const auto next = std::upper_bound(
      shrunk_.begin(), shrunk_.end(), engine_offset,
      [](std::size_t offset, const Shrunk& shrunk) { return offset < shrunk.engine_offset; });
  if (next == shrunk_.begin()) return at(engine_offset);
  const Shrunk& before = *std::prev(next);
  const std::size_t beyond = engine_offset - before.engine_offset;
  return at(beyond > text_.size() ? text_.size() : before.offset + beyond);
}

Position SourceMap::at_engine_character(std::size_t characters) const {
  const auto next = std::upper_bound(characters_at_.begin(), characters_at_.end(), characters);
  if (next == characters_at_.begin()) return at(0);
  std::size_t offset = static_cast<std::size_t>(next - characters_at_.begin() - 1) * kStride;
  std::size_t count = *std::prev(next);
  for (; offset < text_.size(); ++offset) {
    if (is_continuation(text_[offset])) continue;
    if (count == characters) break;
    ++count;
  }
  return at(offset);
}

std::optional<Position> SourceMap::parameter(std::string_view name) const {
  const auto found = parameters_.find(name);
  if (found == parameters_.end()) return std::nullopt;
  return at(found->second);
}

std::optional<Position> SourceMap::question_mark(std::string_view n) const {
  std::size_t number = 0;
  const auto [end, failure] = std::from_chars(n.data(), n.data() + n.size(), number);
  if (failure != std::errc() || end != n.data() + n.size()) return std::nullopt;
  if (number == 0 || number > question_marks_.size()) return std::nullopt;
  return at(question_marks_[number - 1]);
}

std::string_view SourceMap::first_word() const {
  std::size_t end = first_word_offset_;
  while (end < text_.size() && is_name(text_[end])) ++end;
  return text_.substr(first_word_offset_, end - first_word_offset_);
}

std::optional<Position> SourceMap::second_statement() const {
  if (second_statement_offset_ == std::string_view::npos) return std::nullopt;
  return at(second_statement_offset_);
}

}  // namespace millrace::sql
