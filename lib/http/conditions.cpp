#include "lib/http/conditions.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace millrace::http {
namespace {

constexpr std::string_view kBlank = " \t";

struct Tag {
  bool weak = false;
  std::string text;  // with its quotes
};

struct Condition {
  bool any = false;  // "*"
  std::vector<Tag> tags;
};

// The tag that `text` begins with, which goes on behind it; nothing: it begins with none.
std::optional<Tag> take_tag(std::string_view& text) {
  Tag tag;
  tag.weak = text.starts_with("W/");
  if (tag.weak) text.remove_prefix(2);
  if (!text.starts_with('"')) return std::nullopt;
  const auto end = text.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  tag.text = text.substr(0, end + 1);
  text.remove_prefix(end + 1);
  return tag;
}

std::vector<Tag> tags_of(std::string_view list) {
  std::vector<Tag> tags;
  while (true) {
    list.remove_prefix(std::min(list.find_first_not_of(", \t"), list.size()));
    if (list.empty()) return tags;
    auto tag = take_tag(list);
    if (!tag) return {};
    tags.push_back(*std::move(tag));
    list.remove_prefix(std::min(list.find_first_not_of(kBlank), list.size()));
    if (!list.empty() && list.front() != ',') return {};
  }
}

// Nothing: there is no such header.
std::optional<Condition> condition_of(const Headers& headers, std::string_view name) {
  if (!headers.has(name)) return std::nullopt;
  const std::string list = headers.list(name);
  if (list == "*") return Condition{.any = true, .tags = {}};
  return Condition{.any = false, .tags = tags_of(list)};
}

}  // namespace

bool if_match_holds(const Headers& headers, std::string_view present) {
  const auto condition = condition_of(headers, "if-match");
  if (!condition) return true;
  if (condition->any) return !present.empty();
  return std::ranges::any_of(condition->tags,
                             [&](const Tag& tag) { return !tag.weak && tag.text == present; });
}

bool if_none_match_holds(const Headers& headers, std::string_view present) {
  const auto condition = condition_of(headers, "if-none-match");
  if (!condition) return true;
  if (condition->any) return present.empty();
  return std::ranges::none_of(condition->tags, [&](const Tag& tag) { return tag.text == present; });
}

bool names_versions(const Headers& headers) {
  return (headers.has("if-match") && headers.list("if-match") != "*") ||
         headers.has("if-none-match");
}

}  // namespace millrace::http
