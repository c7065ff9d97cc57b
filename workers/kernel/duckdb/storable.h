// Types that Parquet has not, or not whole, as those that it has: docs/types.md, "What a query's
// result becomes". Internal to the kernel. Pure.
#pragma once

#include <duckdb.h>

#include <string>

namespace millrace::kernel {

// The column as it is stored: its name alone, or CAST("name" AS …) AS "name".
std::string storable(const std::string& name, duckdb_logical_type type);

}  // namespace millrace::kernel
