// What an exception of libpqxx means for whoever made the call: is it known that nothing happened,
// may it have happened, and is it worth another try?
#pragma once

#include <exception>
#include <string>

#include "base/error.h"

namespace millrace::postgres {

enum class SqlTrouble {
  kLost,    // the connection is gone, or nobody knows whether a COMMIT took effect: ask again
  kPasses,  // nothing happened, and it may work in a moment: overload, restart, deadlock, disk full
  kTaken,   // nothing happened: a unique key is taken
  kRefused,  // nothing happened, and it will not work the next time either
};

struct SqlFailure {
  SqlTrouble trouble = SqlTrouble::kRefused;
  std::string sqlstate;  // "23505"; empty when the server did not say it
  std::string message;   // one line

  // postgres.unavailable, postgres.disk_full, postgres.refused.
  Error to_error() const;
};

// To be called in a catch block, with what was caught.
SqlFailure sql_failure(const std::exception& exception);

}  // namespace millrace::postgres
