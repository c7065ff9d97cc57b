// ResultTable: the rows of a streaming result of one database as a table function of another. So a
// statement that came from outside runs where nothing can be written, and its rows are written
// where nothing but they comes from outside. Vectors are handed on by reference. Internal to the
// kernel.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "base/result.h"
#include "workers/kernel/duckdb/session.h"
#include "workers/kernel/query_engine.h"

namespace millrace::kernel {

class ResultTable {
 public:
  // `result` is a streaming one, and gives its rows once; `why_interrupted` tells its error where
  // it only says that it was interrupted (Session::why_interrupted). `parallel`: several threads
  // may take chunks, so that their order is lost.
  ResultTable(ResultSet& result, std::function<Error()> why_interrupted, bool parallel,
              std::optional<std::int64_t> max_rows, const Watch& watch)
      : result_(result),
        why_interrupted_(std::move(why_interrupted)),
        parallel_(parallel),
        max_rows_(max_rows),
        stop_(watch.stop),
        activity_(watch.activity) {}
  ResultTable(const ResultTable&) = delete;
  ResultTable& operator=(const ResultTable&) = delete;

  // Registers the function `name` with the session's database. Error: query.duplicate_column.
  Status register_in(Session& session, const std::string& name);
  std::optional<Error> error() const;

  // Called by the engine, on its threads.
  void scan(duckdb_data_chunk output, duckdb_function_info info);
  ResultSet& result() { return result_; }
  bool parallel() const { return parallel_; }

 private:
  Result<Chunk> take_chunk();

  ResultSet& result_;
  std::function<Error()> why_interrupted_;
  bool parallel_;
  std::optional<std::int64_t> max_rows_;
  std::stop_token stop_;
  Activity& activity_;
  mutable std::mutex mutex_;  // guards the result and all below
  std::int64_t rows_ = 0;
  bool at_end_ = false;
  std::optional<Error> error_;
};

}  // namespace millrace::kernel
