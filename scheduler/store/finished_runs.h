// The rows of runs that end in a batch, with their tasks.
#pragma once

#include "base/result.h"
#include "lib/postgres/transaction.h"
#include "scheduler/engine/ports.h"

namespace millrace::scheduler {

// Exceptions of libpqxx pass through. Error store.inconsistent when a run ends that the batch does
// not carry.
Status write_finished_runs(postgres::Transaction& transaction, const Batch& batch);

}  // namespace millrace::scheduler
