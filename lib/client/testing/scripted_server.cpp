#include "lib/client/testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/check.h"

namespace millrace::client::testing {
namespace {

// False when `stop` became readable first.
bool wait_readable(int fd, int stop) {
  std::array<pollfd, 2> fds{{{fd, POLLIN, 0}, {stop, POLLIN, 0}}};
  while (poll(fds.data(), fds.size(), -1) < 0) {
  }
  return fds[1].revents == 0;
}

}  // namespace

ScriptedServer::ScriptedServer(std::vector<std::string> replies) : replies_(std::move(replies)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  MILLRACE_CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  MILLRACE_CHECK(listen(listener_, 16) == 0, "listen");
  MILLRACE_CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0,
                 "getsockname");
  port_ = ntohs(address.sin_port);
  MILLRACE_CHECK(pipe(stop_pipe_) == 0, "pipe");
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  close(stop_pipe_[1]);
  thread_.join();
  close(stop_pipe_[0]);
  close(listener_);
}

std::vector<std::string> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::serve() {
  for (const std::string& answer : replies_) {
    if (!wait_readable(listener_, stop_pipe_[0])) return;
    const int peer = accept(listener_, nullptr, nullptr);
    std::string head;
    std::array<char, 4096> buffer;
    while (head.find("\r\n\r\n") == std::string::npos && wait_readable(peer, stop_pipe_[0])) {
      const ssize_t count = recv(peer, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      head.append(buffer.data(), static_cast<std::size_t>(count));
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(head);
    }
    if (answer.empty()) {
      wait_readable(stop_pipe_[0], stop_pipe_[0]);
    } else {
      std::size_t sent = 0;
      while (sent < answer.size()) {
        const ssize_t count = send(peer, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) break;
        sent += static_cast<std::size_t>(count);
      }
    }
    shutdown(peer, SHUT_WR);
    // What the client still sends is read, or a reset would overtake the answer.
    while (!answer.empty() && recv(peer, buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
    }
    close(peer);
  }
}

std::string reply(int status, const std::string& content_type, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + content_type +
         "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string chunked_reply(const std::vector<std::string>& pieces, bool whole) {
  std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& piece : pieces) {
    std::array<char, 32> size;
    std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
    text += size.data() + piece + "\r\n";
  }
  if (whole) text += "0\r\n\r\n";
  return text;
}

}  // namespace millrace::client::testing
