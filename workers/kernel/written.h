// WrittenDataset: what the kernel wrote, durable on disk, with all that a catalog keeps of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "workers/kernel/schema.h"

namespace millrace::kernel {

struct WrittenFile {
  std::string name;  // in its folder
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::string checksum;  // "xxh64:" and 16 hex digits, over the file's bytes
  // {"carrier": {"min": "9E", "max": "YV", "nulls": 0}}: values as text, left out where the column
  // has none, they are longer than 64 bytes, or the type has no order. "" for other than Parquet.
  std::string statistics_json;
};

struct WrittenDataset {
  Schema schema;
  std::vector<WrittenFile> files;  // by name; none when there are no rows
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
};

// "xxh64:" and the hash of a file's bytes. Error: file.failed (infrastructure).
Result<std::string> checksum_of_file(const std::string& path);

// Returns when the file's or folder's content would survive a loss of power. Errors: file.failed,
// disk.full.
Status sync_path(const std::string& path);

// Makes `folder` and those above it as far as they lack. The result is what has to be synced before
// anybody is told of the folder's content: `folder` itself and every one that got a new entry.
Result<std::vector<std::string>> make_folder(const std::string& folder);

// sync_path() of all, several at a time: each waits for a flush of the device, and those that wait
// together share it. The first error of them.
Status sync_paths(const std::vector<std::string>& paths);

}  // namespace millrace::kernel
