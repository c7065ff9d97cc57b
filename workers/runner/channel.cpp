#include "workers/runner/channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace millrace::runner {
namespace {

Error broken(const std::string& what) {
  return Error{ErrorClass::kInfrastructure, "runner.channel", what};
}

}  // namespace

Result<bool> Channel::receive() {
  std::array<char, 64 << 10> buffer;
  for (;;) {
    const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == ECONNRESET) return false;
    if (count < 0) return broken(std::string("receiving failed: ") + std::strerror(errno));
    if (count == 0) return false;
    MILLRACE_RETURN_IF_ERROR(reader_.feed({buffer.data(), static_cast<std::size_t>(count)}));
    return true;
  }
}

Result<std::optional<v1alpha1::ToRunner>> Channel::next() {
  const std::optional<std::string_view> bytes = reader_.next();
  if (!bytes.has_value()) return std::optional<v1alpha1::ToRunner>();
  std::optional<v1alpha1::ToRunner> message(std::in_place);
  if (!message->ParseFromArray(bytes->data(), static_cast<int>(bytes->size())))
    return Error{ErrorClass::kInfrastructure, "runner.protocol", "a message can't be parsed", "",
                 ""};
  return message;
}

Status Channel::send(const v1alpha1::FromRunner& message) {
  std::string frame;
  MILLRACE_RETURN_IF_ERROR(ipc::append_frame(message.SerializeAsString(), frame));
  const std::lock_guard lock(send_mutex_);
  for (std::size_t at = 0; at < frame.size();) {
    const ssize_t count = ::send(descriptor_, frame.data() + at, frame.size() - at, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return broken(std::string("sending failed: ") + std::strerror(errno));
    at += static_cast<std::size_t>(count);
  }
  return ok_status();
}

}  // namespace millrace::runner
