#include "lib/postgres/binaries.h"

#include <unistd.h>

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "lib/postgres/child_process.h"

namespace millrace::postgres {
namespace {

namespace fs = std::filesystem;

// "postgres (PostgreSQL) 15.18 (Debian …)" → 15.
std::optional<int> major_version(const fs::path& folder) {
  const fs::path server = folder / "postgres";
  if (::access(server.c_str(), X_OK) != 0) return std::nullopt;
  if (::access((folder / "initdb").c_str(), X_OK) != 0) return std::nullopt;
  const auto ran = run_child({.argv = {server.string(), "-V"}}, "", seconds(10));
  if (!ran.ok() || ran->exit_code != 0) return std::nullopt;
  const std::string& text = ran->output;
  const std::size_t mark = text.find("(PostgreSQL) ");
  if (mark == std::string::npos) return std::nullopt;
  const char* begin = text.c_str() + mark + 13;
  int major = 0;
  const auto [end, problem] = std::from_chars(begin, text.c_str() + text.size(), major);
  if (problem != std::errc{}) return std::nullopt;
  return major;
}

// Where distributions put it; each version in a folder of its own, so these come before the PATH.
std::vector<fs::path> candidates() {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    found.push_back(entry.path() / "bin");
  }
  for (const fs::directory_entry& entry : fs::directory_iterator("/usr", ignored)) {
    if (entry.path().filename().string().starts_with("pgsql-"))
      found.push_back(entry.path() / "bin");
  }
  if (const char* path = std::getenv("PATH"); path != nullptr) {
    std::istringstream folders(path);
    for (std::string folder; std::getline(folders, folder, ':');) {
      if (folder.starts_with('/')) found.emplace_back(folder);
    }
  }
  return found;
}

}  // namespace

Result<Binaries> find_binaries(const fs::path& folder, std::optional<int> wanted) {
  std::optional<Binaries> best;
  for (const fs::path& candidate : folder.empty() ? candidates() : std::vector{folder}) {
    const std::optional<int> major = major_version(candidate);
    if (!major || *major < kOldestMajor) continue;
    if (best && wanted && best->major == *wanted) continue;
    const bool fits = wanted && *major == *wanted;
    if (!best || fits || *major > best->major) best = Binaries{candidate, *major};
  }
  if (!best) {
    const std::string where = folder.empty() ? "" : " in \"" + folder.string() + "\"";
    return Error{ErrorClass::kUser, "postgres.not_installed",
                 "no Postgres " + std::to_string(kOldestMajor) + " or newer is installed" + where,
                 "install the package postgresql (Debian: apt-get install postgresql-15)"};
  }
  if (wanted && best->major != *wanted) {
    return Error{ErrorClass::kUser, "postgres.version_differs",
                 "the data was made by Postgres " + std::to_string(*wanted) + ", and " +
                     std::to_string(best->major) + " is what is installed",
                 "install postgresql-" + std::to_string(*wanted) +
                     ", or move the directory away to start afresh",
                 ""};
  }
  return std::move(*best);
}

}  // namespace millrace::postgres
