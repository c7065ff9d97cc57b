// TextTable: the rows of a TextSource as a table function of the engine. Several of its threads
// take blocks in turn, cut them into fields and hand them on as VARCHAR; the engine converts; a
// check of ours over the texts and the values sets the bad rows aside. Internal to the kernel.
//
// The whole must outlive every statement that uses select().
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "workers/kernel/duckdb/session.h"
#include "workers/kernel/query_engine.h"
#include "workers/kernel/rejected_record.h"
#include "workers/kernel/text_source.h"

namespace millrace::kernel {

class TextTable {
 public:
  // All are only referred to.
  TextTable(const TextSource& source, const TextLayout& layout, RejectLog& rejects,
            const Watch& watch);
  TextTable(const TextTable&) = delete;
  TextTable& operator=(const TextTable&) = delete;

  // Registers both functions with the session's database, under `name`.
  Status register_in(Session& session, const std::string& name);
  // The SELECT that gives the layout's columns, converted, without the bad rows.
  std::string select() const;
  // Why the scan failed, when it did: the engine keeps no more than a text of it.
  std::optional<Error> error() const;

  // Called by the engine, on its threads.
  struct Local;
  void scan(Local& local, duckdb_data_chunk output, duckdb_function_info info);
  void accept(duckdb_data_chunk input, duckdb_vector output, duckdb_function_info info);
  std::unique_ptr<Local> make_local();
  void forget(const Local& local);
  const TextLayout& layout() const { return layout_; }

 private:
  struct Block {
    std::uint64_t id = 0;
    std::size_t file = 0;
    RecordBlock records;
    bool valid_utf8 = true;
  };

  bool is_checked(std::size_t column) const;
  bool is_looked_at(const ColumnType& type) const;
  Result<bool> take_block(Local& local);
  Result<idx_t> fill(Local& local, duckdb_data_chunk output);
  Status reject(const Block& block, std::size_t record, std::string_view column,
                std::string_view code, std::string message);
  Status reject_fault(const Block& block, std::size_t record, FieldFault fault,
                      const std::string& column);
  Status reject_value(std::uint64_t place, std::size_t column, duckdb_vector text, idx_t row);
  std::string fail(Error error);

  const TextSource& source_;
  const TextLayout& layout_;
  RejectLog& rejects_;
  const Watch& watch_;
  std::string name_;
  std::int64_t total_bytes_ = 0;

  mutable std::mutex mutex_;  // guards all below
  std::size_t next_file_ = 0;
  OpenText open_;
  std::int64_t consumed_before_ = 0;  // bytes of the files before the open one
  std::uint64_t next_block_ = 0;
  std::map<std::uint64_t, const Block*> live_;  // blocks whose rows are under way
  std::optional<Error> error_;
};

}  // namespace millrace::kernel
