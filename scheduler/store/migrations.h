// The tables of the schema `millrace`: migrations/*.sql, compiled in.
#pragma once

#include <vector>

#include "lib/postgres/migrations.h"

namespace millrace::scheduler {

inline constexpr const char* kStoreSchema = "millrace";

namespace store_migrations {
const std::vector<postgres::Migration>& migrations();
}  // namespace store_migrations

}  // namespace millrace::scheduler
