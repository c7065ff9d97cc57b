#include "manifest/nearest.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <vector>

namespace millrace::manifest {
namespace {

constexpr std::size_t kMaxLength = 64;
constexpr std::size_t kListed = 14;
// Distances count in halves, so that a wrong case costs less than a wrong letter.
constexpr int kEdit = 2;

int replace_cost(char a, char b) {
  if (a == b) return 0;
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return lower(a) == lower(b) ? 1 : kEdit;
}

// Optimal string alignment: three rows are enough to see a swap.
int distance(std::string_view a, std::string_view b) {
  std::array<std::array<int, kMaxLength + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = static_cast<int>(j) * kEdit;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    row[0] = static_cast<int>(i) * kEdit;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {above[j] + kEdit, row[j - 1] + kEdit, above[j - 1] + replace_cost(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], rows[(i + 1) % 3][j - 2] + kEdit);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view name, std::span<const std::string> candidates) {
  if (name.empty() || name.size() > kMaxLength) return std::nullopt;
  // A third of the letters may be wrong, one always may, and never more than three.
  const int allowed = std::clamp(static_cast<int>(name.size() + 1) / 3, 1, 3) * kEdit;
  int best = allowed + 1;
  const std::string* found = nullptr;
  for (const std::string& candidate : candidates) {
    if (candidate.empty() || candidate.size() > kMaxLength) continue;
    const int d = distance(name, candidate);
    // Short names are all near one another: half of the letters have to stay.
    if (d >= best || d >= static_cast<int>(std::max(name.size(), candidate.size())) * kEdit / 2 + 1)
      continue;
    best = d;
    found = &candidate;
  }
  if (found == nullptr) return std::nullopt;
  return *found;
}

std::string meant_hint(std::string_view name, std::span<const std::string> candidates) {
  if (auto near = nearest(name, candidates)) return "did you mean " + *near + "?";
  std::vector<std::string_view> listed;  // a faulty document may give a name twice
  for (const std::string& candidate : candidates)
    if (std::ranges::find(listed, candidate) == listed.end()) listed.push_back(candidate);
  if (listed.empty() || listed.size() > kListed) return {};
  std::string hint = listed.size() == 1 ? "there is only " : "one of: ";
  for (std::size_t i = 0; i < listed.size(); ++i)
    hint += (i == 0 ? "" : ", ") + std::string(listed[i]);
  return hint;
}

}  // namespace millrace::manifest
