// UTF-8: checked, counted in characters (code points), and made of what is none. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

// How many bytes from the beginning are well-formed UTF-8 (no surrogates, nothing overlong).
std::size_t valid_utf8_prefix(std::string_view text);

// Code points of well-formed text; every byte that begins none is not counted.
std::size_t count_characters(std::string_view text);

// The length of the longest start of `text` with at most `limit` bytes that splits no character.
std::size_t whole_characters(std::string_view text, std::size_t limit);

// How many bytes from the beginning split no character: the rest, three at the most, may begin one
// that goes on.
std::size_t without_begun_character(std::string_view text);

// U+FFFD in place of zero bytes and of each byte that is no UTF-8: what a message's string field
// and a column of type text can hold.
std::string clean_text(std::string_view text);

}  // namespace millrace
