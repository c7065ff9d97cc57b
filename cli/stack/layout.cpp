#include "cli/stack/layout.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "lib/ipc/private_files.h"
#include "lib/process/owned_fd.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

Error file_error(const std::string& what, const fs::path& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return Error{full ? ErrorClass::kResource : ErrorClass::kInfrastructure,
               full ? "up.disk_full" : "up.files",
               what + " \"" + path.string() + "\": " + std::strerror(number)};
}

// FNV-1a: a short, stable name for a folder that stands for a path.
std::string short_name(const fs::path& path) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : path.string())
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 16; shift -= 4) text += kHex[(hash >> shift) & 15];
  return text;
}

bool is_private_folder(const fs::path& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
         (info.st_mode & 0077) == 0;
}

Status make_folder(const fs::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return ok_status();
  return file_error("can't make", path, errno);
}

// A directory is ours when it holds a stack's record, or nothing yet.
Status check_directory(const Layout& layout) {
  const fs::path& path = layout.directory;
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return ok_status();
    return file_error("can't look at", path, errno);
  }
  const auto in_the_way = [&path](const std::string& why) {
    return Error{ErrorClass::kUser, "up.directory_in_the_way", "\"" + path.string() + "\" " + why,
                 "choose another with --dir, or move this one away"};
  };
  if (!S_ISDIR(info.st_mode)) return in_the_way("is a file");
  if (info.st_uid != ::geteuid()) return in_the_way("belongs to somebody else");
  std::error_code problem;
  if (fs::exists(layout.record(), problem)) return ok_status();
  for (const fs::directory_entry& entry : fs::directory_iterator(path, problem)) {
    if (entry.path() == layout.lock()) continue;
    return in_the_way("is no stack's directory: it holds \"" + entry.path().filename().string() +
                      "\"");
  }
  if (problem) return file_error("can't read", path, problem.value());
  return ok_status();
}

}  // namespace

Result<fs::path> stack_directory(const std::string& given) {
  fs::path path = given;
  if (path.empty()) {
    const char* home = std::getenv("MILLRACE_HOME");
    if (home != nullptr && *home != '\0') path = home;
  }
  if (path.empty()) {
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0')
      return Error{ErrorClass::kUser, "up.no_home", "no directory for the stack: HOME is not set",
                   "name one with --dir"};
    path = fs::path(home) / ".millrace";
  }
  // Symbolic links resolved as far as the path exists: one stack has one name, whatever way leads
  // to it.
  std::error_code problem;
  fs::path resolved = fs::weakly_canonical(fs::absolute(path), problem);
  if (problem) resolved = fs::absolute(path).lexically_normal();
  if (!resolved.has_filename()) resolved = resolved.parent_path();
  return resolved;
}

Layout layout_of(const fs::path& directory) {
  const std::string name = "millrace-" + short_name(directory);
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/' && std::strlen(runtime) < 64 &&
      is_private_folder(runtime))
    return {directory, fs::path(runtime) / name};
  return {directory, fs::path("/tmp") / (name + "-" + std::to_string(::geteuid()))};
}

Status make_folders(const Layout& layout) {
  MILLRACE_RETURN_IF_ERROR(check_directory(layout));
  std::error_code problem;
  fs::create_directories(layout.directory.parent_path(), problem);
  if (problem) return file_error("can't make", layout.directory.parent_path(), problem.value());
  // Root's Postgres runs as another user, who must get through to its own folder, which is closed
  // again.
  MILLRACE_RETURN_IF_ERROR(make_folder(layout.directory, ::geteuid() == 0 ? 0711 : 0700));
  for (const fs::path& path : {layout.api_token().parent_path(), layout.data(), layout.scratch(),
                               layout.worker_state().parent_path(), layout.worker_state(),
                               layout.logs(), layout.task_logs(), layout.files()})
    MILLRACE_RETURN_IF_ERROR(make_folder(path, 0700));
  // /tmp is everybody's: a folder that was there before may be a trap.
  return ipc::make_private_folder(layout.sockets);
}

Result<std::string> token_at(const fs::path& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) return ipc::read_secret_file(path);
  std::array<unsigned char, 32> random;
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    return file_error("no randomness for", path, errno);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string token;
  for (const unsigned char byte : random) token += {kHex[byte >> 4], kHex[byte & 15]};
  MILLRACE_RETURN_IF_ERROR(replace_file(path, token + "\n"));
  return token;
}

Status replace_file(const fs::path& path, const std::string& content) {
  const std::string beside = path.string() + ".new";
  ::unlink(beside.c_str());
  const process::OwnedFd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return file_error("can't write", beside, errno);
  if (::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      ::fsync(fd.get()) != 0)
    return file_error("can't write", beside, errno);
  if (::rename(beside.c_str(), path.c_str()) != 0) return file_error("can't write", path, errno);
  return ok_status();
}

}  // namespace millrace::cli
