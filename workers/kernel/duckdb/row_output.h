// Writes the rows of a result as one file for whoever asked, bounded in rows and bytes. Nothing is
// synced: the file outlives no crash that its reader would. Internal to the kernel.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "workers/kernel/duckdb/row_values.h"
#include "workers/kernel/duckdb/session.h"
#include "workers/kernel/query_engine.h"

namespace millrace::kernel {

// Makes `path`, which must not be there and is gone again after an error. `rows` are of the
// columns' expressions; `schema` names the columns with the types that the statement gave them.
// Errors: query.row_too_large (User), disk.full, file.failed, task.cancelled, the engine's.
Result<WrittenRows> write_rows(ResultSet& rows, const std::vector<RowColumn>& columns,
                               const Schema& schema, RowFormat format, const RowLimits& limits,
                               const std::string& path, const Watch& watch);

}  // namespace millrace::kernel
