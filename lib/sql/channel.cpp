#include "lib/sql/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace millrace::sql {

Channel::Channel(Channel&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Channel& Channel::operator=(Channel&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Channel::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Channel::Outcome Channel::wait(short events, Deadline deadline) const {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Outcome::kTimedOut;
    pollfd poller{.fd = fd_, .events = events, .revents = 0};
    const int ready =
        ::poll(&poller, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) return Outcome::kOk;
    if (ready < 0 && errno != EINTR) return Outcome::kClosed;
  }
}

Channel::Outcome Channel::send_bytes(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (const Outcome outcome = wait(POLLOUT, deadline); outcome != Outcome::kOk) return outcome;
    } else if (sent < 0 && errno != EINTR) {
      return Outcome::kClosed;
    }
  }
  return Outcome::kOk;
}

Channel::Outcome Channel::receive_bytes(char* into, std::size_t size, Deadline deadline) {
  while (size > 0) {
    const ssize_t got = ::recv(fd_, into, size, MSG_DONTWAIT);
    if (got > 0) {
      into += got;
      size -= static_cast<std::size_t>(got);
    } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (const Outcome outcome = wait(POLLIN, deadline); outcome != Outcome::kOk) return outcome;
    } else if (got == 0 || errno != EINTR) {
      return Outcome::kClosed;
    }
  }
  return Outcome::kOk;
}

Channel::Outcome Channel::send(std::string_view payload, Deadline deadline) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  const std::array<char, 4> head{
      static_cast<char>(size & 0xFFU), static_cast<char>(size >> 8U & 0xFFU),
      static_cast<char>(size >> 16U & 0xFFU), static_cast<char>(size >> 24U & 0xFFU)};
  const Outcome outcome = send_bytes({head.data(), head.size()}, deadline);
  return outcome == Outcome::kOk ? send_bytes(payload, deadline) : outcome;
}

Channel::Outcome Channel::receive(std::size_t max_bytes, Deadline deadline, std::string& payload) {
  std::array<char, 4> head{};
  if (const Outcome outcome = receive_bytes(head.data(), head.size(), deadline);
      outcome != Outcome::kOk) {
    return outcome;
  }
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < head.size(); ++i) {
    size |= std::uint32_t{static_cast<unsigned char>(head[i])} << (8U * i);
  }
  if (size > max_bytes) return Outcome::kTooLong;
  payload.resize(size);
  return receive_bytes(payload.data(), size, deadline);
}

}  // namespace millrace::sql
