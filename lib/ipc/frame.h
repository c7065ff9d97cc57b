// Frames of the runner protocol: each message is a little-endian u32 length and that many bytes.
//
// Pure: bytes in, messages out. Not thread-safe.
//
//   FrameReader reader;
//   MILLRACE_RETURN_IF_ERROR(reader.feed(bytes_just_read));
//   while (auto message = reader.next()) handle(*message);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::ipc {

// Room for what the worker protocol wraps around a runner's message: neither exceeds 1 MiB.
inline constexpr std::size_t kMaxFrameBytes = (std::size_t{1} << 20) - 4096;
inline constexpr std::size_t kFrameHeaderBytes = 4;

// Appends header and message to `out`. Error: ipc.frame_too_large, and `out` is unchanged.
Status append_frame(std::string_view message, std::string& out);

class FrameReader {
 public:
  // Takes what was read from the peer. Error: ipc.frame_too_large; the stream is lost then.
  Status feed(std::string_view bytes);
  // The next whole message; valid until the next call of feed().
  std::optional<std::string_view> next();
  // Bytes of a message that has not arrived whole.
  std::size_t pending() const { return buffer_.size() - position_; }

 private:
  Status check_header() const;

  std::string buffer_;
  std::size_t position_ = 0;
};

}  // namespace millrace::ipc
