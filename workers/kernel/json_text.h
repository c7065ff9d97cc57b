// Whether a text is JSON by RFC 8259, of any depth and with any digits: the engine's own reader
// also takes NaN, Infinity and commas behind the last value. Pure; thread-safe.
#pragma once

#include <string_view>

namespace millrace::kernel {

// The text must be UTF-8.
bool is_json(std::string_view text);

// A number by RFC 8259, whatever its digits.
bool is_json_number(std::string_view text);

}  // namespace millrace::kernel
