// millrace-runner: started by a worker, with the runner protocol on descriptor 3. Not for people.
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>

#include "workers/runner/channel.h"
#include "workers/runner/runner.h"

int main() {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(millrace::runner::kChannelDescriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
      type != SOCK_STREAM) {
    std::fputs("millrace-runner: descriptor 3 is no stream socket: a worker starts this program\n",
               stderr);
    return EXIT_FAILURE;
  }
  // What its commands leave behind becomes its own, to be ended: at the end of the attempt, or at
  // its own, when the channel does.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  millrace::runner::Runner runner(millrace::runner::kChannelDescriptor);
  const millrace::Error error = runner.serve();
  std::fprintf(stderr, "millrace-runner: %s\n", error.to_text().c_str());
  // At once: threads may be at work.
  std::_Exit(EXIT_FAILURE);
}
