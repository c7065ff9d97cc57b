#include "manifest/formats.h"

#include <algorithm>

#include "base/check.h"

namespace millrace::manifest {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_lower(c) || is_upper(c); }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

bool is_name(std::string_view text) {
  return !text.empty() && is_lower(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
}

bool is_label(std::string_view text) {
  const auto is_end = [](char c) { return is_lower(c) || is_digit(c); };
  return !text.empty() && is_end(text.front()) && is_end(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return is_end(c) || c == '-'; });
}

bool is_url(std::string_view text) {
  return text.starts_with("file:///") && text.find('#') == std::string_view::npos;
}

// Words with single dots between; the first begins with a letter.
bool is_error_code(std::string_view text) {
  if (text.empty() || !is_letter(text.front()) || text.back() == '.') return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!is_word(text[i]) && (text[i] != '.' || text[i - 1] == '.')) return false;
  return true;
}

bool is_variable(std::string_view text) {
  return !text.empty() && !is_digit(text.front()) && std::ranges::all_of(text, is_word);
}

bool is_directory(std::string_view text) {
  return text.starts_with('/') && text.find('\0') == std::string_view::npos;
}

bool take_number(std::string_view& text) {
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  text.remove_prefix(digits);
  return digits >= 1 && digits <= 4;
}

// Words in capitals with single blanks between, then perhaps (18,2), then perhaps [].
bool is_column_type(std::string_view text) {
  bool word_begins = true;
  while (!text.empty() && text.front() != '(' && text.front() != '[') {
    const char c = text.front();
    if (word_begins ? !is_upper(c) : !(is_upper(c) || is_digit(c) || c == '_' || c == ' '))
      return false;
    word_begins = c == ' ';
    text.remove_prefix(1);
    if (text.empty()) return !word_begins;
  }
  if (word_begins) return false;
  if (text.front() == '(') {
    text.remove_prefix(1);
    if (!take_number(text)) return false;
    if (text.starts_with(',')) {
      text.remove_prefix(text.starts_with(", ") ? 2 : 1);
      if (!take_number(text)) return false;
    }
    if (!text.starts_with(')')) return false;
    text.remove_prefix(1);
  }
  return text.empty() || text == "[]";
}

bool is_character(std::string_view text) {
  return text.size() == 1 && (text[0] == '\t' || (text[0] >= ' ' && text[0] <= '~'));
}

}  // namespace

bool has_format(Format format, std::string_view text) {
  switch (format) {
    case Format::kNone:
      return true;
    case Format::kName:
      return is_name(text);
    case Format::kLabel:
      return is_label(text);
    case Format::kUrl:
      return is_url(text);
    case Format::kErrorCode:
      return is_error_code(text);
    case Format::kVariable:
      return is_variable(text);
    case Format::kDirectory:
      return is_directory(text);
    case Format::kColumnType:
      return is_column_type(text);
    case Format::kCharacter:
      return is_character(text);
  }
  return false;
}

const FormatInfo& format_info(Format format) {
  MILLRACE_CHECK(format != Format::kNone, "kNone is no form");
  return format_infos()[static_cast<std::size_t>(format) - 1];
}

}  // namespace millrace::manifest
