// What a command works with: where it writes, and the scheduler that it talks to.
#pragma once

#include <ostream>
#include <string>

#include "cli/options.h"
#include "lib/client/client.h"

namespace millrace::cli {

struct Session {
  std::ostream& out;  // data
  std::ostream& err;  // everything else
  const CommonOptions& common;
  const Environment& environment;
  client::Client client;
};

// MILLRACE_URL and MILLRACE_TOKEN_FILE, where they are set; else the stack of this directory,
// looked up anew at each call: it may have been started again on another port. Errors:
// client.no_scheduler, file.* of the token.
client::FindEndpoint endpoint_source(const CommonOptions& common, const Environment& environment);

}  // namespace millrace::cli
