// UTF-8: checked, and counted in characters (code points).
#pragma once

#include <cstddef>
#include <string_view>

namespace millrace::manifest {

// How many bytes from the beginning are well-formed UTF-8 (no surrogates, nothing overlong).
std::size_t valid_utf8_prefix(std::string_view text);

// Code points of well-formed text; every byte that begins none is not counted.
std::size_t count_characters(std::string_view text);

}  // namespace millrace::manifest
