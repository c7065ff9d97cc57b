// PostgresSweepCatalog: what the sweeper needs of the catalog, on Postgres, over one connection of
// its own.
//
// Blocking; one thread at a time, but for break_off(). Errors: postgres.unavailable and such.
#pragma once

#include <functional>
#include <string>

#include "lib/postgres/transaction.h"
#include "scheduler/engine/sweeper.h"
#include "scheduler/store/watched_connection.h"

namespace millrace::scheduler {

class PostgresSweepCatalog final : public SweepCatalog {
 public:
  // Connects later. migrate_store() comes before.
  explicit PostgresSweepCatalog(const std::string& connection_string)
      : connection_(connection_string) {}

  Result<ReplacedPage> replaced(WallTime before, std::uint32_t newer,
                                const std::optional<ReplacedCursor>& after,
                                std::size_t limit) override;
  Result<std::int64_t> newest_mark() override;
  Result<std::vector<MarkedFile>> marked(std::int64_t after, std::int64_t last,
                                         std::size_t limit) override;
  Status forget(const std::vector<std::int64_t>& marks) override;
  Result<std::set<AttemptPrefix>> referenced(const std::vector<AttemptPrefix>& prefixes) override;
  Result<WallTime> installed() override;

  // Any thread: a call that hangs fails soon.
  void break_off() { connection_.break_off(); }

 private:
  Status transact(const std::function<void(postgres::Transaction&)>& what);

  WatchedConnection connection_;
};

}  // namespace millrace::scheduler
