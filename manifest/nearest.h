// nearest(): the name that was meant, for hints.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace millrace::manifest {

// The candidate with the smallest edit distance (insert, delete, replace, swap two neighbours; case
// counts half), if it is near enough to be a slip; the first of equals. Texts above 64 bytes match
// nothing.
std::optional<std::string> nearest(std::string_view name, std::span<const std::string> candidates);

// "did you mean sql?", or "one of: a, b, c" when nothing is near and the list is short, or nothing.
std::string meant_hint(std::string_view name, std::span<const std::string> candidates);

}  // namespace millrace::manifest
