// Leadership: a row with an expiry on Postgres's clock. Whoever holds it is asked to lead; that two
// never append is the log's key's doing, not this row's.
//
// Single statements, each its own transaction, so that it works behind a pooler. Exceptions of
// libpqxx pass through. Not thread-safe.
#pragma once

#include <optional>
#include <string>

#include "base/units.h"
#include "scheduler/core/types.h"

namespace pqxx {
class connection_base;  // NOLINT(readability-identifier-naming): its own name
}  // namespace pqxx

namespace millrace::scheduler {

struct LeadershipRow {
  int shard = 0;
  LeaderId self;
  std::string holder;  // process_name()
  Micros lease;
};

// Takes it when it is free, expired, our own already, or of a process of this machine that is gone.
std::optional<LeaderEpoch> take_leadership(pqxx::connection_base& connection,
                                           const LeadershipRow& row);
// False: it is another's by now.
bool renew_leadership(pqxx::connection_base& connection, const LeadershipRow& row,
                      LeaderEpoch epoch);
void give_up_leadership(pqxx::connection_base& connection, const LeadershipRow& row);

}  // namespace millrace::scheduler
