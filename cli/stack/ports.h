// Whether a TCP port of 127.0.0.1 can be had.
#pragma once

#include "base/error.h"

namespace millrace::cli {

// Tried by listening on it for a moment.
bool port_is_free(int port);
// up.port_taken, naming the port and, where it can be seen, the process that has it.
Error port_taken(int port);

}  // namespace millrace::cli
