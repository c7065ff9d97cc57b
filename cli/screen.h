// Screen: the only file that draws on a terminal. A picture of lines is put in the place of the one
// before.
#pragma once

#include <string>
#include <vector>

#include "cli/watch_text.h"

namespace millrace::cli {

bool is_terminal(int fd);

// Size and abilities of the terminal at `fd` as they are now: NO_COLOR, TERM and the locale count.
Look look_of(int fd);

// Single thread. Nothing else may write to the terminal between two drawings.
class Screen {
 public:
  explicit Screen(int fd) : fd_(fd) {}
  void draw(const std::vector<std::string>& picture);

 private:
  int fd_;
  std::size_t drawn_ = 0;  // lines that stand there from before
};

}  // namespace millrace::cli
