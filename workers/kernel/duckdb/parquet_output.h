// Writes the rows of a SELECT of ours as Parquet files, durable and described. Internal to the
// kernel.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "workers/kernel/duckdb/session.h"
#include "workers/kernel/written.h"

namespace millrace::kernel {

// The columns of a SELECT of ours, by DESCRIBE.
Result<Schema> describe(Session& session, const std::string& select);

// Makes `folder`, which must not be there, and in it part-0.parquet and so on, each of some 256 MB,
// zstd level 1. `row_group`: bytes of rows, as they lie in memory, that a group holds at most, give
// or take a vector; 122,880 rows otherwise. The session does not preserve the order of insertion:
// rows of one thread stay in theirs. The schema is the SELECT's. `author`: whose values may fail to
// convert. Errors: the engine's, file.*.
Result<WrittenDataset> write_parquet(Session& session, const std::string& select,
                                     const std::string& folder, Bytes row_group, Author author,
                                     const std::stop_token& stop,
                                     const std::function<void()>& watch);

}  // namespace millrace::kernel
