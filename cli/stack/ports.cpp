#include "cli/stack/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "lib/process/owned_fd.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

// The socket's inode, out of the kernel's table of listeners.
std::optional<std::string> listener_inode(int port) {
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);  // the heading
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
          timeout >> inode;
      const std::size_t colon = local.rfind(':');
      if (colon == std::string::npos || state != "0A") continue;
      int number = 0;
      std::from_chars(local.data() + colon + 1, local.data() + local.size(), number, 16);
      if (number == port) return inode;
    }
  }
  return std::nullopt;
}

// "nginx (process 812)"; nothing when the owner is not ours to look at.
std::optional<std::string> owner_of(int port) {
  const auto inode = listener_inode(port);
  if (!inode) return std::nullopt;
  const std::string wanted = "socket:[" + *inode + "]";
  std::error_code ignored;
  for (const fs::directory_entry& process : fs::directory_iterator("/proc", ignored)) {
    const std::string pid = process.path().filename();
    if (!std::ranges::all_of(pid, [](char c) { return c >= '0' && c <= '9'; })) continue;
    std::error_code denied;
    for (const fs::directory_entry& fd : fs::directory_iterator(process.path() / "fd", denied)) {
      if (fs::read_symlink(fd.path(), ignored) != wanted) continue;
      std::ifstream file(process.path() / "comm");
      std::string name;
      std::getline(file, name);
      return name.append(" (process ").append(pid).append(")");
    }
  }
  return std::nullopt;
}

}  // namespace

bool port_is_free(int port) {
  const process::OwnedFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
         ::listen(fd.get(), 1) == 0;
}

Error port_taken(int port) {
  const auto owner = owner_of(port);
  return Error{
      ErrorClass::kUser, "up.port_taken",
      "port " + std::to_string(port) + " of 127.0.0.1 is taken" + (owner ? " by " + *owner : ""),
      "choose another with --port, or end that program"};
}

}  // namespace millrace::cli
