// Source: the text of a file and the way from its bytes, and from places in documents, to lines and
// columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/node.h"
#include "manifest/problem.h"

namespace millrace::manifest {

class Source {
 public:
  // A byte order mark at the beginning is taken off.
  Source(std::string_view text, std::string file);

  const std::string& text() const { return text_; }
  const std::string& file() const { return file_; }

  // Of a byte; the end of the text for offsets beyond it.
  Position position(std::size_t offset) const;
  // Of a byte within a scalar's value: exact in a literal block (|) and where the value is written
  // as it is; elsewhere (folded, escaped) the place where the scalar begins.
  Position position_in(const Node& scalar, std::size_t offset) const;

  // A problem at a byte.
  Problem problem(Error error, std::string pointer, Position at) const;

 private:
  Position position_in_block(const Node& scalar, std::size_t offset) const;

  std::string text_;
  std::string file_;
  std::vector<std::uint32_t> line_starts_;
};

// The node at a pointer, or its nearest ancestor when the pointer leads further than the document.
struct Located {
  const Node* node = nullptr;
  std::uint32_t key_offset = 0;  // where its key stands, or the node itself when it has none
};
Located find_node(const Node& root, std::string_view pointer);

}  // namespace millrace::manifest
