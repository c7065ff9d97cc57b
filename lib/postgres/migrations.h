// Migrations: numbered SQL files beside the code, compiled in, applied once each under a lock.
//
// Files are append-only: what was released is never edited. A step first expands (new column, new
// table), a later release contracts, so that neighbouring versions work on one database.
//
//   # CMakeLists.txt: migrations/0001_tables.sql … → const std::vector<Migration>&
//   catalog::migrations() millrace_embed_migrations(sources millrace::catalog)
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::postgres {

struct Migration {
  int version = 0;        // from 1, without gaps
  std::string_view name;  // "0001_tables"
  std::string_view sql;
};

// Brings `schema` (made when it is missing) to the last of `migrations`, all or nothing. Blocking;
// any number of processes may do it at once. Errors: postgres.schema_newer when the database is
// ahead of this program; postgres.unavailable; postgres.refused.
Status migrate(const std::string& connection_string, const std::string& schema,
               std::span<const Migration> migrations);

}  // namespace millrace::postgres
