#include "lib/process/owned_fd.h"

#include <unistd.h>

namespace millrace::process {

void OwnedFd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace millrace::process
