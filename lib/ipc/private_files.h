// Folders and files that are ours alone: a socket's folder (mode 0700) and a token's file (mode
// 0600).
//
// /tmp belongs to everybody: a folder there that somebody else made, or may write into, is refused.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace millrace::ipc {

// Makes `folder` with mode 0700 (its parents as the umask says), or checks that the one there is a
// real folder, owned by this user, and closed to everybody else. Errors (User): file.not_a_folder,
// file.foreign_owner, file.open_to_others; (Infrastructure): file.failed.
Status make_private_folder(const std::filesystem::path& folder);

// The text of a secret's file without the white space around it: a regular file of this user's,
// mode 0600 or stricter, at most 4 KiB, never through a link. Errors: as above, file.not_found,
// file.not_a_file, file.empty, file.too_large.
Result<std::string> read_secret_file(const std::filesystem::path& file);

}  // namespace millrace::ipc
