// ParquetSource: Parquet files of somebody else's as SELECTs of ours: the rows that fit the stated
// columns, and those that don't as rows of a quarantine. A value fits when it converts and comes
// back the same; a text, when the map of types takes it as it takes a field of CSV (type_map.h).
// Internal to the kernel.
//
// All files have the columns of the first, in any order. A column's values are not looked at where
// they are of its type and may be null.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "lib/process/owned_fd.h"
#include "workers/kernel/duckdb/row_values.h"
#include "workers/kernel/duckdb/session.h"
#include "workers/kernel/schema.h"
#include "workers/kernel/source_files.h"
#include "workers/kernel/type_map.h"

namespace millrace::kernel {

class ParquetSource {
 public:
  // Opens each file once: the engine reads what was checked, whatever the path comes to mean.
  // Errors (user): ingest.parquet, ingest.column_missing, schema.*; those of open_below; and
  // task.cancelled.
  static Result<std::unique_ptr<ParquetSource>> open(Session& session,
                                                     const std::vector<SourceFile>& files,
                                                     const std::vector<std::string>& roots,
                                                     const Schema& stated,
                                                     const std::stop_token& stop);

  // The stated columns in their canonical types; empty when none are stated.
  const Schema& stated() const { return stated_; }
  // Whether there can be bad rows.
  bool checks() const { return !faults_.empty(); }
  // The rows, converted; `all`: there are no bad ones, so that nothing need be checked.
  std::string select(bool all) const;
  // A file's bad rows, in order if the session keeps it: record, column, error_class and message as
  // in quarantine_schema(), then the values of whole_row().
  std::string select_bad(std::size_t file) const;
  // The columns of the files, to be written as the row that `raw` shows.
  const std::vector<RowColumn>& whole_row() const { return whole_row_; }
  const std::string& name(std::size_t file) const { return names_[file]; }
  std::size_t files() const { return names_.size(); }

  // The error with the files' names in place of those that the engine knows; one that only the
  // files can have caused is the person's: ingest.parquet.
  Error blame(Error error) const;

 private:
  struct Fault {
    std::string column;
    std::string type;
    std::string value;  // SQL: what the file holds
    std::string holds;  // SQL: whether it is bad
  };

  ParquetSource() = default;
  Status open_files(const std::vector<SourceFile>& files, const std::vector<std::string>& roots);
  Status look_at_files(Session& session, const std::stop_token& stop);
  Status convert(Session& session, const Schema& stated);
  Status keep(Session& session);

  std::vector<std::string> names_;  // of the files, as texts may hold them
  std::vector<process::OwnedFd> descriptors_;
  std::vector<std::string> paths_;        // of the descriptors
  Schema found_;                          // the columns that every file has
  std::map<std::string, Error> refused_;  // columns that the engine would read as something else
  Schema stated_;
  std::string columns_;  // of the SELECT
  std::vector<Fault> faults_;
  std::vector<RowColumn> whole_row_;
};

// Registers the function that says whether a text fits a type, for the SELECTs above.
Status register_text_fits(Session& session);

}  // namespace millrace::kernel
