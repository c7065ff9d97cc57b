// Numbers as people read them, in the messages of all parts. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

// 336776 → "336,776"
std::string grouped(std::int64_t number);
// 1, "row" → "1 row"; 336776, "row" → "336,776 rows". For nouns whose plural adds an s.
std::string counted(std::int64_t number, std::string_view noun);

}  // namespace millrace
