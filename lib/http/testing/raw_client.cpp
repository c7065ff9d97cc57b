#include "lib/http/testing/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "base/check.h"

namespace millrace::http {

RawClient::RawClient(std::uint16_t port, int receive_buffer) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  MILLRACE_CHECK(socket_ >= 0, "no socket");
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (receive_buffer > 0)
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connected =
      ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  MILLRACE_CHECK(connected == 0, "nobody listens");
}

RawClient::~RawClient() { ::close(socket_); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::shutdown_send() { ::shutdown(socket_, SHUT_WR); }

bool RawClient::fill() {
  char bytes[16 << 10];
  const auto received = ::recv(socket_, bytes, sizeof bytes, 0);
  // To go on as if the connection had ended would let a test pass that waits for nothing.
  MILLRACE_CHECK(received >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK),
                 "nothing came for ten seconds");
  if (received <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(received));
  return true;
}

std::string RawClient::take(std::size_t count) {
  std::string taken = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return taken;
}

std::string RawClient::read_until(std::string_view needle) {
  while (true) {
    const auto at = buffer_.find(needle);
    if (at != std::string::npos) return take(at + needle.size());
    if (!fill()) return take(buffer_.size());
  }
}

std::optional<RawResponse> RawClient::read_head() {
  const std::string head = read_until("\r\n\r\n");
  if (!head.ends_with("\r\n\r\n")) return std::nullopt;
  RawResponse response;
  if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, response.status);
  std::size_t start = head.find("\r\n") + 2;
  while (start + 2 < head.size()) {
    const auto end = head.find("\r\n", start);
    const auto colon = head.find(':', start);
    std::string name = head.substr(start, colon - start);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto value = head.find_first_not_of(' ', colon + 1);
    response.headers[name] = head.substr(value, end - value);
    start = end + 2;
  }
  return response;
}

std::optional<RawResponse> RawClient::read(bool head_only) {
  auto response = read_head();
  if (!response) return std::nullopt;
  if (response->status == 100) return read(head_only);
  if (head_only || response->status == 204 || response->status == 304) {
    response->complete = true;
  } else if (const auto length = response->headers.find("content-length");
             length != response->headers.end()) {
    std::size_t wanted = 0;
    std::from_chars(length->second.data(), length->second.data() + length->second.size(), wanted);
    while (buffer_.size() < wanted && fill()) {
    }
    response->complete = buffer_.size() >= wanted;
    response->body = take(wanted);
  } else if (response->headers["transfer-encoding"] == "chunked") {
    while (true) {
      const std::string line = read_until("\r\n");
      if (!line.ends_with("\r\n")) break;
      const auto size = static_cast<std::size_t>(std::strtoull(line.c_str(), nullptr, 16));
      while (buffer_.size() < size + 2 && fill()) {
      }
      if (buffer_.size() < size + 2) break;
      response->body += take(size);
      take(2);
      if (size == 0) {
        response->complete = true;
        break;
      }
    }
  } else {
    while (fill()) {
    }
    response->body = take(buffer_.size());
    response->complete = true;
  }
  return response;
}

bool RawClient::ended() { return buffer_.empty() && !fill(); }

std::string raw_request(std::string_view method, std::string_view target, std::string_view headers,
                        std::string_view body) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
  text.append(headers);
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH")
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text.append("\r\n").append(body);
}

RawResponse fetch(std::uint16_t port, std::string_view method, std::string_view target,
                  std::string_view headers, std::string_view body) {
  RawClient client(port);
  client.send(raw_request(method, target, headers, body));
  return client.read(method == "HEAD").value_or(RawResponse{});
}

}  // namespace millrace::http
