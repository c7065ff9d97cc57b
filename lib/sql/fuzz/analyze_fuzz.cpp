// libFuzzer: analyze_tree takes any bytes as a tree. The first line is the text, the rest the tree.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/sql/analyze.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\n'), size);
  const std::string_view text = input.substr(0, end);
  const std::string_view tree = input.substr(std::min(size, end + 1));
  (void)millrace::sql::check_text(text).ok();
  (void)millrace::sql::analyze_tree(tree, text).ok();
  return 0;
}
