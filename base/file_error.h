// What went wrong with a file or a folder, as an Error: a full disk is a resource that ran out and
// comes back, anything else is the machine's fault.
//
//   if (::fsync(fd) != 0) return file_error("writing", path, errno);
#pragma once

#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace millrace {

// Whether an errno says that there is no room: the disk's or a quota's.
bool is_disk_full(int number);

// Resource disk.full, or Infrastructure `code`. `doing` is a word like "writing".
Error file_error(std::string_view doing, const std::filesystem::path& path, int number,
                 std::string_view code = "file.failed");
// Of the generic or the system category, as the standard library's calls on files give them.
Error file_error(std::string_view doing, const std::filesystem::path& path,
                 const std::error_code& failure, std::string_view code = "file.failed");

}  // namespace millrace
