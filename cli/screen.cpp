#include "cli/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace millrace::cli {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = variable(name);
    if (value.empty()) continue;  // the first that is set decides
    return value.find("UTF-8") != std::string_view::npos ||
           value.find("utf8") != std::string_view::npos;
  }
  return false;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the terminal is gone; the run is not
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) == 1 && variable("TERM") != "dumb"; }

Look look_of(int fd) {
  Look look;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    look.width = size.ws_col < 20 ? 20 : size.ws_col;
    look.height = size.ws_row < 6 ? 6 : size.ws_row - 1;
  }
  look.unicode = speaks_utf8();
  look.color = variable("NO_COLOR").empty() && is_terminal(fd);
  return look;
}

void Screen::draw(const std::vector<std::string>& picture) {
  // One write, so that no half picture is ever seen. Each line is cleared behind its end, and the
  // rest of a longer picture below.
  std::string text;
  if (drawn_ > 0) text += "\x1b[" + std::to_string(drawn_) + "A\r";
  for (const std::string& line : picture) text += line + "\x1b[K\n";
  if (picture.size() < drawn_) text += "\x1b[J";
  write_all(fd_, text);
  drawn_ = picture.size();
}

}  // namespace millrace::cli
