// ByteSource: the bytes of one file in order, decompressed. Counts what it took from the file, for
// progress. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "lib/process/owned_fd.h"

namespace millrace::kernel {

enum class Compression : std::uint8_t { kAuto, kNone, kGzip };

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Up to `capacity` bytes into `out`; 0 at the end. Errors: source.read_failed (infrastructure),
  // source.gzip_corrupt (user), task.cancelled; at the end source.changed (transient), of a file
  // that is shorter than when it was opened, or as long and written to since.
  virtual Result<std::size_t> read(char* out, std::size_t capacity) = 0;
  // Bytes read of the file itself.
  virtual std::uint64_t consumed() const = 0;
  // The file's, for messages.
  virtual const std::string& name() const = 0;
  // A further source of the same bytes, from their begin.
  virtual Result<std::unique_ptr<ByteSource>> again() const = 0;
};

// kAuto looks at the first two bytes. `name` is for messages. Once `stop` says so nothing more is
// read, neither by this source nor by a further one: whoever reads a file through ends soon.
Result<std::unique_ptr<ByteSource>> open_byte_source(process::OwnedFd file, Compression compression,
                                                     std::string name, std::stop_token stop = {});

}  // namespace millrace::kernel
