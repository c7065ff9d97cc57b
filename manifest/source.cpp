#include "manifest/source.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/utf8.h"

namespace millrace::manifest {

Source::Source(std::string_view text, std::string file) : file_(std::move(file)) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text_ = text;
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i)
    if (text_[i] == '\n') line_starts_.push_back(static_cast<std::uint32_t>(i + 1));
}

Position Source::position(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto after = std::ranges::upper_bound(line_starts_, offset);
  const std::size_t line = static_cast<std::size_t>(after - line_starts_.begin()) - 1;
  const std::size_t start = line_starts_[line];
  const std::size_t before =
      count_characters(std::string_view(text_).substr(start, offset - start));
  return {.line = static_cast<int>(line) + 1, .column = static_cast<int>(before) + 1};
}

Position Source::position_in(const Node& scalar, std::size_t offset) const {
  if (scalar.offset >= text_.size()) return position(scalar.offset);
  const char first = text_[scalar.offset];
  if (scalar.kind == Node::Kind::kText && first == '|') return position_in_block(scalar, offset);
  const bool quoted = scalar.kind == Node::Kind::kText && (first == '"' || first == '\'');
  const std::size_t begin = scalar.offset + (quoted ? 1 : 0);
  const std::string_view value = std::string_view(scalar.text).substr(0, offset);
  const bool as_written = std::string_view(text_).substr(begin, value.size()) == value;
  return position(as_written ? begin + value.size() : scalar.offset);
}

// A literal block: its lines follow the one with the |, each after the same indentation, which the
// first line that is not empty shows, unless the header gives it (then the header's column is as
// good as any).
Position Source::position_in_block(const Node& scalar, std::size_t offset) const {
  const Position header = position(scalar.offset);
  std::size_t line =
      static_cast<std::size_t>(header.line);  // as an index: the line after the header
  const auto line_text = [&](std::size_t index) {
    const std::size_t start = line_starts_[index];
    const std::size_t end =
        index + 1 < line_starts_.size() ? line_starts_[index + 1] : text_.size();
    return std::string_view(text_).substr(start, end - start);
  };
  std::size_t indent = std::string_view::npos;
  for (std::size_t i = line; i < line_starts_.size() && indent == std::string_view::npos; ++i)
    if (line_text(i).find_first_not_of(" \r\n") != std::string_view::npos)
      indent = line_text(i).find_first_not_of(' ');
  if (indent == std::string_view::npos) return header;
  const std::string_view value = std::string_view(scalar.text).substr(0, offset);
  const std::size_t newline = value.rfind('\n');
  line += static_cast<std::size_t>(std::ranges::count(value, '\n'));
  if (line >= line_starts_.size()) return header;
  const std::size_t in_line =
      newline == std::string_view::npos ? value.size() : value.size() - newline - 1;
  return position(line_starts_[line] + indent + in_line);
}

Problem Source::problem(Error error, std::string pointer, Position at) const {
  return Problem{.error = std::move(error),
                 .pointer = std::move(pointer),
                 .file = file_,
                 .line = at.line,
                 .column = at.column};
}

Located find_node(const Node& root, std::string_view pointer) {
  Located found{.node = &root, .key_offset = root.offset};
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string_view step = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(step.size());
    const Node& here = *found.node;
    std::size_t index = here.items.size();
    if (here.kind == Node::Kind::kMap) {
      for (std::size_t i = 0; i < here.keys.size() && index == here.items.size(); ++i)
        if (pointer_step(here.keys[i].text).substr(1) == step) index = i;
    } else if (here.kind == Node::Kind::kList && !step.empty() && step.size() < 8 &&
               std::ranges::all_of(step, [](char c) { return c >= '0' && c <= '9'; })) {
      std::from_chars(step.data(), step.data() + step.size(), index);  // digits only: see above
    }
    if (index >= here.items.size()) return found;
    found.node = &here.items[index];
    found.key_offset = here.kind == Node::Kind::kMap ? here.keys[index].offset : found.node->offset;
  }
  return found;
}

}  // namespace millrace::manifest
