// The difference of two texts, line by line. Pure.
#pragma once

#include <string>

namespace millrace::cli {

// Lines with "-" (only before), "+" (only after) or " " in front; unchanged ones only within three
// lines of a change, "@@" between what was left out. Empty when the texts are equal.
std::string diff_text(const std::string& before, const std::string& after);

}  // namespace millrace::cli
