#include "cli/diff_text.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace::cli {
namespace {

constexpr std::size_t kContext = 3;
// The table of common lengths has a cell for each pair of lines; beyond this all is shown as
// replaced.
constexpr std::size_t kMaxCells = std::size_t{1} << 24;

struct Line {
  char mark;
  std::string_view text;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return lines;
}

// By the longest common subsequence.
std::vector<Line> compare(const std::vector<std::string_view>& a,
                          const std::vector<std::string_view>& b) {
  std::vector<Line> result;
  const std::size_t width = b.size() + 1;
  const bool whole = (a.size() + 1) * width > kMaxCells;
  std::vector<std::uint32_t> common(whole ? 0 : (a.size() + 1) * width);
  if (!whole)
    for (std::size_t i = a.size(); i-- > 0;)
      for (std::size_t j = b.size(); j-- > 0;)
        common[i * width + j] =
            a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                         : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (!whole && i < a.size() && j < b.size() && a[i] == b[j]) {
      result.push_back({' ', a[i++]});
      ++j;
    } else if (i < a.size() && (whole || j == b.size() ||
                                common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      result.push_back({'-', a[i++]});
    } else {
      result.push_back({'+', b[j++]});
    }
  }
  return result;
}

}  // namespace

std::string diff_text(const std::string& before, const std::string& after) {
  if (before == after) return "";
  const std::vector<std::string_view> a = lines_of(before);
  const std::vector<std::string_view> b = lines_of(after);
  const std::vector<Line> lines = compare(a, b);
  std::vector<bool> shown(lines.size(), false);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].mark == ' ') continue;
    for (std::size_t near = i - std::min(i, kContext);
         near <= std::min(i + kContext, lines.size() - 1); ++near)
      shown[near] = true;
  }
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (shown[i]) {
      text += lines[i].mark;
      text += std::string(lines[i].text) + "\n";
    } else if (i == 0 || shown[i - 1]) {
      text += "@@\n";
    }
  }
  return text;
}

}  // namespace millrace::cli
