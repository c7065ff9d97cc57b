// What a task says without being run: the datasets it names, the references in its texts, its SQL.
// Found by the schema, so a new kind brings its own. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "manifest/generated/types.h"
#include "manifest/reference.h"
#include "manifest/schema.h"

namespace millrace::manifest {

struct DatasetUse {
  std::string dataset;
  Access access = Access::kRead;  // or kWrite
  std::string pointer;            // within the task: /ingest/into/dataset
};

struct ReferenceUse {
  Reference reference;
  std::string pointer;     // within the task
  std::size_t offset = 0;  // of the hole in its text, in bytes
  bool lone = false;       // the hole is the whole text
};

struct SqlText {
  std::string sql;
  std::string pointer;  // within the task
};

struct TaskFacts {
  std::vector<DatasetUse>
      datasets;  // those that SQL reads are not among them: parsing SQL is lib/sql's
  std::vector<ReferenceUse> references;
  std::vector<SqlText> sql;
};
TaskFacts facts_of(const Task& task);

}  // namespace millrace::manifest
