// What watching a run shows: a picture for terminals, and a line for each change where there is
// none. Pure: the same views, size and time give the same text.
#pragma once

#include <string>
#include <vector>

#include "cli/run_view.h"

namespace millrace::cli {

struct Look {
  int width = 80;
  int height = 24;  // at most so many lines; what has ended is gathered first
  bool unicode = true;
  bool color = false;
};

// Lines of at most `look.width` columns (escape sequences of colour not counted).
std::vector<std::string> picture(const RunView& run, WallTime now, const Look& look);

// A line for each task, then for the run, whose state differs.
std::vector<std::string> changes(const RunView& before, const RunView& after);

}  // namespace millrace::cli
