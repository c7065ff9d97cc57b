#include "base/contents.h"

#include <sstream>
#include <utility>

namespace millrace {

std::string contents_of(std::istream& stream) {
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

}  // namespace millrace
