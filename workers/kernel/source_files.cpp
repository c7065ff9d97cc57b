#include "workers/kernel/source_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "base/file_error.h"
#include "base/utf8.h"

namespace millrace::kernel {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScheme = "file://";

Error url_invalid(std::string_view url, const std::string& why) {
  return Error{ErrorClass::kUser, "source.url_invalid", "\"" + std::string(url) + "\" " + why,
               "write it as file:///folder/name.csv"};
}

Error outside(const std::string& path) {
  return Error{ErrorClass::kPolicy, "source.outside_roots",
               "\"" + printable(path) + "\" lies below none of the folders that tasks may use",
               "move it, or allow its folder: `millrace up --allow`, the worker's --allowed-root"};
}

Error failed(const std::string& what, const std::string& path, int error) {
  return file_error(what, printable(path), error, "source.open_failed");
}

Error not_found(const std::string& path) {
  return Error{ErrorClass::kUser, "source.not_found",
               "there is no file \"" + printable(path) + "\"",
               "look at the URL and at the worker's machine"};
}

bool lies_below(const std::string& path, const std::string& root) {
  if (!path.starts_with(root)) return false;
  return path.size() == root.size() || root.ends_with('/') || path[root.size()] == '/';
}

// The roots as the kernel names them, also one that is not there yet.
std::vector<std::string> real_roots(std::span<const std::string> roots) {
  std::vector<std::string> real;
  for (const std::string& root : roots) {
    std::error_code error;
    const fs::path path = fs::weakly_canonical(root, error);
    if (!error) real.push_back(path.string());
  }
  return real;
}

bool allowed(const std::string& path, const std::vector<std::string>& roots) {
  return std::ranges::any_of(roots,
                             [&](const std::string& root) { return lies_below(path, root); });
}

// The path that an open descriptor has now.
std::optional<std::string> path_of(int descriptor) {
  std::string path(PATH_MAX, '\0');
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  if (length <= 0 || static_cast<std::size_t>(length) == path.size()) return std::nullopt;
  path.resize(static_cast<std::size_t>(length));
  return path;
}

std::optional<char> hex_byte(std::string_view digits) {
  const auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (digits.size() < 2 || value(digits[0]) < 0 || value(digits[1]) < 0) return std::nullopt;
  return static_cast<char>(value(digits[0]) * 16 + value(digits[1]));
}

bool has_wildcard(std::string_view path) {
  return path.find_first_of("*?") != std::string_view::npos;
}

// Only * and ? are wildcards of ours; fnmatch(3) knows two more characters.
std::string glob_pattern(std::string_view path) {
  std::string pattern;
  for (const char c : path) {
    if (c == '[' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

// The entries of an open folder that match, without "." and "..".
std::vector<std::string> matches_in(process::OwnedFd folder, const std::string& pattern) {
  const std::unique_ptr<DIR, decltype([](DIR* open) { ::closedir(open); })> open(
      ::fdopendir(folder.get()));
  std::vector<std::string> names;
  if (open == nullptr) return names;
  folder.release();
  while (const dirent* const entry = ::readdir(open.get())) {
    const std::string name(entry->d_name);
    if (name != "." && name != ".." && ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0)
      names.push_back(name);
  }
  return names;
}

// The paths that a path with wildcards names. Each folder behind the first wildcard is looked into
// only when it lies below a root itself, wherever ".." and links lead: what is outside is not told
// of, neither whether it is there nor its name.
Result<std::vector<std::string>> expand(const std::string& path,
                                        const std::vector<std::string>& roots) {
  if (!has_wildcard(path)) return std::vector{path};
  const std::size_t known = path.rfind('/', path.find_first_of("*?"));
  std::vector<std::string> places{path.substr(0, known)};
  for (const fs::path& part : fs::path(path.substr(known + 1))) {
    const std::string component = part.string();
    const bool wild = has_wildcard(component);
    std::vector<std::string> found;
    for (std::string& place : places) {
      place += '/';
      const int reading = wild ? O_RDONLY : O_PATH;
      process::OwnedFd folder(::open(place.c_str(), reading | O_DIRECTORY | O_CLOEXEC | O_NOCTTY));
      if (!folder) continue;  // no folder, or one that is closed to us
      const std::optional<std::string> real = path_of(folder.get());
      if (!real.has_value() || !allowed(*real, roots)) return outside(path);
      if (wild) {
        for (const std::string& name : matches_in(std::move(folder), glob_pattern(component)))
          found.push_back(place + name);
      } else if (struct stat status{};
                 ::fstatat(folder.get(), component.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        found.push_back(place + component);
      }
    }
    places = std::move(found);
  }
  if (places.empty()) return not_found(path);
  std::ranges::sort(places);
  return places;
}

// Opens a regular file that lies below one of the real roots.
Result<process::OwnedFd> open_in(const std::string& path, const std::vector<std::string>& real) {
  // Not blocking: the open of a FIFO would wait for a writer.
  process::OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return not_found(path);
  if (!file) return failed("opening", path, errno);
  const std::optional<std::string> opened = path_of(file.get());
  if (!opened.has_value() || !allowed(*opened, real)) return outside(path);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failed("looking at", path, errno);
  if (!S_ISREG(status.st_mode))
    return Error{ErrorClass::kUser, "source.not_found",
                 "\"" + printable(path) + "\" is no regular file",
                 "name a file, or files by * and ?"};
  return file;
}

}  // namespace

std::string printable(const std::string& path) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (std::string_view rest = path;;) {
    const std::size_t valid = valid_utf8_prefix(rest);
    text += rest.substr(0, valid);
    if (valid == rest.size()) return text;
    const auto byte = static_cast<unsigned char>(rest[valid]);
    text.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    rest.remove_prefix(valid + 1);
  }
}

Result<std::string> path_of_url(std::string_view url) {
  if (!url.starts_with(kScheme)) return url_invalid(url, "is no file:// URL");
  std::string_view rest = url.substr(kScheme.size());
  if (rest.starts_with("localhost/")) rest.remove_prefix(9);
  if (!rest.starts_with('/')) return url_invalid(url, "names another machine, or no absolute path");
  std::string path;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] != '%') {
      path += rest[i];
      continue;
    }
    const std::optional<char> byte = hex_byte(rest.substr(i + 1, 2));
    if (!byte.has_value()) return url_invalid(url, "holds a % without two hex digits");
    path += *byte;
    i += 2;
  }
  if (path.find('\0') != std::string::npos) return url_invalid(url, "holds a NUL byte");
  return path;
}

Result<std::vector<SourceFile>> list_source_files(std::string_view url,
                                                  std::span<const std::string> roots) {
  MILLRACE_TRY(path, path_of_url(url));
  // So that nothing outside of the roots is listed or told of; what is opened is checked again.
  const std::vector<std::string> real = real_roots(roots);
  const fs::path folder = fs::path(path.substr(0, path.find_first_of("*?"))).parent_path();
  std::error_code error;
  const fs::path known = fs::weakly_canonical(folder, error);
  if (!allowed((error ? folder.lexically_normal() : known).string(), real)) return outside(path);
  if (error) return not_found(path);
  MILLRACE_TRY(matches, expand(path, real));
  std::vector<SourceFile> files;
  for (std::string& match : matches) {
    struct stat status{};
    if (has_wildcard(path) && ::stat(match.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
      continue;
    MILLRACE_TRY(file, open_in(match, real));
    if (::fstat(file.get(), &status) != 0) return failed("looking at", match, errno);
    files.push_back({std::move(match), static_cast<std::uint64_t>(status.st_size)});
    if (files.size() > kMaxSourceFiles)
      return Error{ErrorClass::kUser, "source.too_many_files",
                   "\"" + printable(path) + "\" matches more than " +
                       std::to_string(kMaxSourceFiles) + " files",
                   "ingest them in several tasks"};
  }
  if (files.empty()) return not_found(path);
  return files;
}

Result<process::OwnedFd> open_below(const std::string& path, std::span<const std::string> roots) {
  return open_in(path, real_roots(roots));
}

Result<std::string> make_folder_below(const std::string& path, std::span<const std::string> roots) {
  // A path at which no folder can be, however often one tries.
  const auto unmade = [&](const std::string& what, int number) {
    if (number != ENOTDIR && number != EEXIST && number != ENAMETOOLONG && number != ELOOP)
      return failed(what, path, number);
    return Error{ErrorClass::kUser, "deliver.not_a_folder",
                 "\"" + path + "\" can't be a folder: " + std::strerror(number),
                 "deliver to a folder"};
  };
  const std::vector<std::string> real = real_roots(roots);
  const fs::path wanted = fs::path(path).lexically_normal();
  // As far as it is there, it must lie below a root; the rest is made by us, without symlinks.
  std::error_code error;
  const fs::path known = fs::weakly_canonical(wanted, error);
  if (error) return unmade("looking for", error.value());
  if (!allowed(known.string(), real)) return outside(path);
  fs::create_directories(known, error);
  if (error) return unmade("making", error.value());
  const process::OwnedFd folder(::open(known.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return unmade("opening", errno);
  const std::optional<std::string> opened = path_of(folder.get());
  if (!opened.has_value() || !allowed(*opened, real)) return outside(path);
  return *opened;
}

}  // namespace millrace::kernel
