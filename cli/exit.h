// Exit codes of the command line. Scripts depend on them: numbers never change their meaning.
#pragma once

namespace millrace::cli {

enum class Exit : int {
  kDone = 0,
  kRunFailed = 1,
  kUsage = 2,
  kInvalidInput = 3,
  kNotFound = 4,
  kConflict = 5,
  kDenied = 6,
  kUnreachable = 7,
  kCancelled = 8,
  kTimeout = 9,
  kDetached = 130,
};

}  // namespace millrace::cli
