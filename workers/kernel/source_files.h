// Files of `file://` URLs, below the allowed roots alone. What was opened is asked of the kernel,
// not of the path, so neither ".." nor a symlink nor one that is swapped in between leads out.
//
// Errors: source.url_invalid, source.not_found, source.too_many_files (user); source.outside_roots
// (policy); source.open_failed (infrastructure).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lib/process/owned_fd.h"

namespace millrace::kernel {

struct SourceFile {
  std::string path;  // absolute
  std::uint64_t bytes = 0;
};

inline constexpr std::size_t kMaxSourceFiles = 10'000;

// A path as a text may hold it: bytes that are no UTF-8 are written \xff.
std::string printable(const std::string& path);

// "file:///data/a%20b.csv" → "/data/a b.csv".
Result<std::string> path_of_url(std::string_view url);

// The regular files that the URL names, sorted by path; * and ? in its path match within a folder.
// At least one, or source.not_found.
Result<std::vector<SourceFile>> list_source_files(std::string_view url,
                                                  std::span<const std::string> roots);

// Opens a regular file for reading.
Result<process::OwnedFd> open_below(const std::string& path, std::span<const std::string> roots);

// Makes a folder and those above it as far as they lack; its path without symlinks. Error, beside
// those above: deliver.not_a_folder (user) where there can't be one.
Result<std::string> make_folder_below(const std::string& path, std::span<const std::string> roots);

}  // namespace millrace::kernel
