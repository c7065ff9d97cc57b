#include "lib/ipc/socket_address.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "lib/process/owned_fd.h"

namespace millrace::ipc {

Result<std::string> socket_path_of(std::string_view address) {
  constexpr std::string_view kScheme = "unix:";
  if (!address.starts_with(kScheme) || !address.substr(kScheme.size()).starts_with('/'))
    return Error{ErrorClass::kUser, "ipc.address_invalid",
                 "\"" + std::string(address) + "\" is not the address of a unix socket",
                 "write it as unix:/absolute/path"};
  std::string path(address.substr(kScheme.size()));
  if (path.size() > kMaxSocketPathBytes)
    return Error{ErrorClass::kUser, "ipc.socket_path_too_long",
                 "\"" + path + "\" has " + std::to_string(path.size()) +
                     " bytes, a socket's path may have " + std::to_string(kMaxSocketPathBytes),
                 "put the socket into a folder with a shorter path"};
  return path;
}

bool somebody_listens(const std::string& path) {
  if (path.size() > kMaxSocketPathBytes) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const process::OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return false;
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace millrace::ipc
