#include "base/contents.h"

#include <fstream>
#include <sstream>
#include <utility>

namespace millrace {

std::string contents_of(std::istream& stream) {
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

std::string contents_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return contents_of(file);
}

}  // namespace millrace
