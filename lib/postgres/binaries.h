// Finding an installed Postgres: the folder of its programs, and which major version it is.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.h"

namespace millrace::postgres {

inline constexpr int kOldestMajor = 14;

struct Binaries {
  std::filesystem::path folder;  // of `postgres` and `initdb`
  int major = 0;
};

// Those in `folder`, when it is given; else the ones of version `wanted`; else the newest.
// Errors: postgres.not_installed; postgres.version_differs when `wanted` is not to be had.
Result<Binaries> find_binaries(const std::filesystem::path& folder, std::optional<int> wanted);

}  // namespace millrace::postgres
