// Writes the rows of a result as one file: for whoever asked, bounded in rows and bytes, or whole,
// to be delivered. Nothing is synced here. Internal to the kernel.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "workers/kernel/duckdb/row_values.h"
#include "workers/kernel/duckdb/session.h"
#include "workers/kernel/query_engine.h"

namespace millrace::kernel {

// Makes `path`, which must not be there and is gone again after an error. `rows` are of the
// columns' expressions, of a person's statement; `schema` names the columns with the types that the
// statement gave them. Errors: query.row_too_large (User), disk.full, file.failed, task.cancelled,
// the engine's.
Result<WrittenRows> write_rows(ResultSet& rows, const std::vector<RowColumn>& columns,
                               const Schema& schema, RowFormat format, const RowLimits& limits,
                               const std::string& path, const Watch& watch);

// Makes `path`, as above, with each row of a statement of ours as an object on a line of its own:
// how many there are. `look` is called once for each chunk of them. Errors: disk.full, file.failed,
// task.cancelled, the engine's.
Result<std::int64_t> write_ndjson(ResultSet& rows, const std::vector<RowColumn>& columns,
                                  const std::string& path, const Watch& watch,
                                  const std::function<void()>& look);

// A row as a JSON object. The columns' vectors are the chunk's from `first` on.
void append_object(const std::vector<RowColumn>& columns, duckdb_data_chunk chunk, idx_t first,
                   idx_t row, std::string& out);

}  // namespace millrace::kernel
