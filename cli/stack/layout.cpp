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

#include "base/fnv1a.h"
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

// Where a file is written before it takes its place.
fs::path beside(const fs::path& path) { return path.string() + ".new"; }

bool is_private_folder(const fs::path& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
         (info.st_mode & 0077) == 0;
}

Error in_the_way(const fs::path& path, const std::string& why, std::string hint) {
  return {ErrorClass::kUser, "up.directory_in_the_way", "\"" + path.string() + "\" " + why,
          std::move(hint), ""};
}

Status make_folder(const fs::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return ok_status();
  if (errno != EEXIST) return file_error("can't make", path, errno);
  std::error_code problem;
  if (fs::is_directory(path, problem)) return ok_status();
  return in_the_way(path, "is no folder", "move it away");
}

// The part of the path that is there and no folder, where folders are to lead on.
fs::path what_blocks(fs::path path) {
  std::error_code problem;
  while (path.has_relative_path() && !fs::exists(path, problem)) path = path.parent_path();
  return path;
}

// A directory is ours when it holds a stack, or nothing yet.
Status check_directory(const Layout& layout) {
  const fs::path& path = layout.directory;
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return ok_status();
    if (errno == ENOTDIR)
      return in_the_way(what_blocks(path), "is a file", "choose another place with --dir");
    return file_error("can't look at", path, errno);
  }
  const char* const hint = "choose another with --dir, or move this one away";
  if (!S_ISDIR(info.st_mode)) return in_the_way(path, "is a file", hint);
  if (info.st_uid != ::geteuid()) return in_the_way(path, "belongs to somebody else", hint);
  std::error_code problem;
  std::string strange;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, problem))
    if (entry.path() != layout.lock() && entry.path() != beside(layout.record()))
      strange = entry.path().filename();
  if (problem) return file_error("can't read", path, problem.value());
  // Asked last: an `up` that works here at the same time wrote its record before all else.
  if (strange.empty() || fs::exists(layout.record(), problem) || holds_stack(layout))
    return ok_status();
  return in_the_way(path, "is no stack's directory: it holds \"" + strange + "\"", hint);
}

}  // namespace

bool holds_stack(const Layout& layout) {
  std::error_code problem;
  return fs::is_regular_file(layout.lock(), problem) &&
         fs::is_regular_file(layout.worker_token(), problem);
}

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
  const std::string name = "millrace-" + fingerprint(directory.string());
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/' && std::strlen(runtime) < 64 &&
      is_private_folder(runtime))
    return {directory, fs::path(runtime) / name};
  return {directory, fs::path("/tmp") / (name + "-" + std::to_string(::geteuid()))};
}

std::string fingerprint(const std::string& text) {
  const std::uint64_t hash = fnv1a(text);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string digits;
  for (int shift = 60; shift >= 16; shift -= 4) digits += kHex[(hash >> shift) & 15];
  return digits;
}

Status make_directory(const Layout& layout) {
  MILLRACE_RETURN_IF_ERROR(check_directory(layout));
  std::error_code problem;
  fs::create_directories(layout.directory.parent_path(), problem);
  if (problem) return file_error("can't make", layout.directory.parent_path(), problem.value());
  // Root's Postgres runs as another user, who must get through to its own folder, which is closed
  // again.
  return make_folder(layout.directory, ::geteuid() == 0 ? 0711 : 0700);
}

Status make_folders(const Layout& layout) {
  for (const fs::path& path : {layout.api_token().parent_path(), layout.data(), layout.scratch(),
                               layout.worker_state().parent_path(), layout.worker_state(),
                               layout.logs(), layout.task_logs(), layout.files()})
    MILLRACE_RETURN_IF_ERROR(make_folder(path, 0700));
  // /tmp is everybody's: a folder that was there before may be a trap.
  return ipc::make_private_folder(layout.sockets);
}

Result<std::string> token_at(const fs::path& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) {
    auto there = ipc::read_secret_file(path);
    if (there.ok() || there.error().code != "file.empty") return there;
  }
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
  const fs::path draft = beside(path);
  ::unlink(draft.c_str());
  const process::OwnedFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return file_error("can't write", draft, errno);
  if (::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      ::fsync(fd.get()) != 0)
    return file_error("can't write", draft, errno);
  if (::rename(draft.c_str(), path.c_str()) != 0) return file_error("can't write", path, errno);
  return ok_status();
}

}  // namespace millrace::cli
