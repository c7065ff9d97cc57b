// Texts as all parts read and write them: numbers, white space, small letters. Pure; ASCII alone.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace millrace {

// 336776 → "336,776"
std::string grouped(std::int64_t number);
// 1, "row" → "1 row"; 336776, "row" → "336,776 rows". For nouns whose plural adds an s.
std::string counted(std::int64_t number, std::string_view noun);

// The whole text as a number, as std::from_chars reads it, or nothing: neither blanks nor a +.
template <typename Number = int>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

// Without the white space around it.
inline std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Its letters A to Z as small ones: SQL tells names apart by this.
std::string folded(std::string_view text);

}  // namespace millrace
