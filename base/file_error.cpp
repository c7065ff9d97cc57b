#include "base/file_error.h"

#include <cerrno>
#include <cstring>
#include <string>

namespace millrace {

bool is_disk_full(int number) { return number == ENOSPC || number == EDQUOT; }

Error file_error(std::string_view doing, const std::filesystem::path& path, int number,
                 std::string_view code) {
  const std::string what = std::string(doing) + " \"" + path.string() + "\" failed: ";
  if (is_disk_full(number))
    return Error{ErrorClass::kResource, "disk.full", what + "no space left on its disk",
                 "make room on the disk that holds it"};
  return Error{ErrorClass::kInfrastructure, std::string(code), what + std::strerror(number)};
}

Error file_error(std::string_view doing, const std::filesystem::path& path,
                 const std::error_code& failure, std::string_view code) {
  return file_error(doing, path, failure.value(), code);
}

}  // namespace millrace
