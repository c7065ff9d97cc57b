#include "lib/ipc/frame.h"

namespace millrace::ipc {
namespace {

std::uint32_t read_length(std::string_view bytes) {
  std::uint32_t length = 0;
  for (std::size_t i = kFrameHeaderBytes; i-- > 0;)
    length = (length << 8) | static_cast<std::uint8_t>(bytes[i]);
  return length;
}

Error too_large(std::size_t length) {
  return {ErrorClass::kInfrastructure, "ipc.frame_too_large",
          "a message of " + std::to_string(length) + " bytes exceeds the limit of " +
              std::to_string(kMaxFrameBytes),
          "send what can grow in pages", ""};
}

}  // namespace

Status append_frame(std::string_view message, std::string& out) {
  if (message.size() > kMaxFrameBytes) return too_large(message.size());
  auto length = static_cast<std::uint32_t>(message.size());
  for (std::size_t i = 0; i < kFrameHeaderBytes; ++i, length >>= 8)
    out.push_back(static_cast<char>(length & 0xFF));
  out.append(message);
  return ok_status();
}

Status FrameReader::feed(std::string_view bytes) {
  // What was handed out is moved away only here, so that views stay valid until the next feed().
  buffer_.erase(0, position_);
  position_ = 0;
  buffer_.append(bytes);
  return check_header();
}

// Every length of a whole header in the buffer is checked before memory is held for its message.
Status FrameReader::check_header() const {
  std::size_t at = position_;
  while (buffer_.size() - at >= kFrameHeaderBytes) {
    const std::size_t length = read_length(std::string_view(buffer_).substr(at));
    if (length > kMaxFrameBytes) return too_large(length);
    if (buffer_.size() - at - kFrameHeaderBytes < length) break;
    at += kFrameHeaderBytes + length;
  }
  return ok_status();
}

std::optional<std::string_view> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(position_);
  if (rest.size() < kFrameHeaderBytes) return std::nullopt;
  const std::size_t length = read_length(rest);
  if (rest.size() - kFrameHeaderBytes < length) return std::nullopt;
  position_ += kFrameHeaderBytes + length;
  return rest.substr(kFrameHeaderBytes, length);
}

}  // namespace millrace::ipc
