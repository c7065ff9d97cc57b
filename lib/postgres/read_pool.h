// ReadPool: a few connections for reading, opened when they are wanted, shared by any number of
// threads.
//
//   int count = 0;
//   MILLRACE_RETURN_IF_ERROR(pool.read([&](postgres::Transaction& transaction) {
//     count = transaction.work.exec1("SELECT count(*) FROM t")[0].as<int>();
//   }));
//
// Each read is a read-only transaction of one snapshot, ended by the server after 30 s. Works
// behind a pooler of transactions: nothing is prepared, nothing is set beyond its transaction.
// Thread-safe; read() blocks, also for a free connection.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "lib/postgres/transaction.h"

namespace millrace::postgres {

class ReadPool {
 public:
  // Connects later. At most `connections` at once.
  ReadPool(const std::string& connection_string, std::size_t connections);
  ~ReadPool();
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;

  // Calls `look` once, or a second time from the start when a connection turned out to be broken;
  // so it assigns its results rather than adding to them. Errors: those of `look`,
  // postgres.unavailable, postgres.refused.
  Status read(const std::function<Status(Transaction&)>& look);

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

// `connection_string` (of either form) with timeouts that notice a server that is gone within
// seconds; what it says itself wins.
std::string with_timeouts(const std::string& connection_string);

}  // namespace millrace::postgres
