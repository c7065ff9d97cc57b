#include "lib/process/stat.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "lib/process/owned_fd.h"

namespace millrace::process {
namespace {

template <typename Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<Stat> parse_stat(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || open < 2 || close < open)
    return std::nullopt;
  Stat stat;
  if (!parse_number(text.substr(0, open - 1), stat.pid)) return std::nullopt;
  // Fields of proc(5), counted from the state, which is the third.
  std::array<std::string_view, 20> fields;
  std::string_view rest = text.substr(close + 1);
  for (std::string_view& field : fields) {
    const std::size_t first = rest.find_first_not_of(" \n");
    if (first == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(first);
    const std::size_t size = std::min(rest.find_first_of(" \n"), rest.size());
    field = rest.substr(0, size);
    rest.remove_prefix(size);
  }
  std::int64_t user = 0;
  std::int64_t system = 0;
  if (!parse_number(fields[1], stat.parent) || !parse_number(fields[2], stat.group) ||
      !parse_number(fields[3], stat.session) || !parse_number(fields[13], user) ||
      !parse_number(fields[14], system) || !parse_number(fields[19], stat.start_ticks))
    return std::nullopt;
  stat.state = fields[0].front();
  static const std::int64_t kTicksPerSecond = ::sysconf(_SC_CLK_TCK);
  stat.children_cpu = Micros((user + system) * 1'000'000 / kTicksPerSecond);
  return stat;
}

std::optional<Stat> read_stat(pid_t pid) {
  const OwnedFd fd(
      ::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::array<char, 2048> text;
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  return parse_stat(std::string_view(text.data(), static_cast<std::size_t>(size)));
}

}  // namespace millrace::process
