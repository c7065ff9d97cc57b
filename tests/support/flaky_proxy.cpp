#include "tests/support/flaky_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::testing_support {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  MILLRACE_CHECK(path.size() < sizeof address.sun_path, "the socket's path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// False at the end of the stream.
bool pass_on(int from, int to, std::string& passed) {
  char buffer[16'384];
  const ssize_t got = ::recv(from, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  passed.assign(buffer, static_cast<std::size_t>(got));
  std::string_view rest = passed;
  while (!rest.empty()) {
    const ssize_t sent = ::send(to, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool readable(int fd, int patience_ms) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, patience_ms) > 0;
}

}  // namespace

FlakyProxy::FlakyProxy(std::filesystem::path upstream)
    : upstream_(std::move(upstream)), folder_(reachable_folder()) {
  const sockaddr_un address = address_of(folder_ + "/.s.PGSQL.5432");
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  MILLRACE_CHECK(listener_ >= 0, "no socket");
  MILLRACE_CHECK(
      ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
          ::listen(listener_, 64) == 0,
      "the proxy can't listen");
  acceptor_ = std::thread([this] { accept_loop(); });
}

FlakyProxy::~FlakyProxy() {
  stopping_ = true;
  acceptor_.join();
  for (std::thread& pump : pumps_) pump.join();
  ::close(listener_);
}

void FlakyProxy::accept_loop() {
  while (!stopping_) {
    if (!readable(listener_, 20)) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) pumps_.emplace_back([this, client] { pump(client); });
  }
}

void FlakyProxy::pump(int client) {
  const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(upstream_.string());
  bool alive = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  std::string passed;
  while (alive && !stopping_) {
    pollfd both[2] = {{.fd = client, .events = POLLIN, .revents = 0},
                      {.fd = server, .events = POLLIN, .revents = 0}};
    if (::poll(both, 2, 20) <= 0) continue;
    if (both[1].revents != 0) alive = pass_on(server, client, passed);
    if (!alive || both[0].revents == 0) continue;
    alive = pass_on(client, server, passed);
    // A simple query of its own, as libpqxx sends it.
    if (!alive || passed.find("COMMIT") == std::string::npos || to_lose_ <= 0) continue;
    --to_lose_;
    ++lost_;
    readable(server, 10'000);  // it has taken effect
    alive = false;
  }
  ::close(client);
  ::close(server);
}

}  // namespace millrace::testing_support
