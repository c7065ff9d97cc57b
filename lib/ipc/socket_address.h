// Addresses of unix sockets, "unix:/run/millrace/dispatch.sock", and whether somebody listens
// there.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::ipc {

// sockaddr_un holds 108 bytes with the final NUL.
inline constexpr std::size_t kMaxSocketPathBytes = 107;

// The path of an address. Errors (User): ipc.address_invalid when it is not "unix:" and an absolute
// path, ipc.socket_path_too_long.
Result<std::string> socket_path_of(std::string_view address);

// Whether a process accepts connections at `path`. A socket file that a dead process left does not
// count.
bool somebody_listens(const std::string& path);

}  // namespace millrace::ipc
