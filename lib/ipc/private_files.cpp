#include "lib/ipc/private_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lib/process/owned_fd.h"

namespace millrace::ipc {
namespace {

constexpr std::size_t kMaxSecretBytes = 4096;

std::string quoted(const std::filesystem::path& path) { return "\"" + path.string() + "\""; }

Error failed(const char* what, const std::filesystem::path& path, int number) {
  return {ErrorClass::kInfrastructure, "file.failed",
          std::string(what) + " " + quoted(path) + ": " + std::strerror(number), "", ""};
}

Status check_private(const std::filesystem::path& path, const struct stat& status) {
  if (status.st_uid != ::geteuid())
    return Error{ErrorClass::kUser, "file.foreign_owner",
                 quoted(path) + " belongs to user " + std::to_string(status.st_uid) +
                     ", not to user " + std::to_string(::geteuid()),
                 "name another place, or have its owner remove it"};
  if ((status.st_mode & 077) != 0)
    return Error{ErrorClass::kUser, "file.open_to_others", quoted(path) + " is open to other users",
                 "close it to them: chmod go= " + quoted(path)};
  return ok_status();
}

}  // namespace

Status make_private_folder(const std::filesystem::path& folder) {
  std::error_code code;
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), code);
  if (code) return failed("cannot make", folder.parent_path(), code.value());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return failed("cannot make", folder, errno);
  struct stat status{};
  // lstat: a link that somebody planted is not the folder.
  if (::lstat(folder.c_str(), &status) != 0) return failed("cannot look at", folder, errno);
  if (!S_ISDIR(status.st_mode))
    return Error{ErrorClass::kUser, "file.not_a_folder", quoted(folder) + " is not a folder",
                 "remove it, or name another place"};
  return check_private(folder, status);
}

Result<std::string> read_secret_file(const std::filesystem::path& file) {
  const process::OwnedFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd && errno == ENOENT)
    return Error{ErrorClass::kUser, "file.not_found", "there is no file " + quoted(file)};
  if (!fd) return failed("cannot open", file, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return failed("cannot look at", file, errno);
  if (!S_ISREG(status.st_mode))
    return Error{ErrorClass::kUser, "file.not_a_file", quoted(file) + " is not a regular file", "",
                 ""};
  MILLRACE_RETURN_IF_ERROR(check_private(file, status));
  std::array<char, kMaxSecretBytes + 1> buffer{};
  std::size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t count = ::read(fd.get(), buffer.data() + size, buffer.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("cannot read", file, errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMaxSecretBytes)
    return Error{ErrorClass::kUser, "file.too_large", quoted(file) + " is larger than 4 KiB", "",
                 ""};
  const std::string_view text(buffer.data(), size);
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos)
    return Error{ErrorClass::kUser, "file.empty", quoted(file) + " is empty",
                 "write the token into it, or remove the file where its owner makes it anew"};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

}  // namespace millrace::ipc
