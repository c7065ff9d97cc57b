// Session: one DuckDB database in memory, one connection to it, and its errors as values. Internal
// to the kernel: it names the engine's types, which public headers don't.
//
// Not thread-safe, but for interrupt().
#pragma once

#include <duckdb.h>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::kernel {

// Handles of the C API, destroyed at the end of their owner.
template <typename Handle, void (*kDestroy)(Handle*)>
class Owned {
 public:
  Owned() = default;
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(Owned&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != nullptr) kDestroy(&handle_);
  }
  Handle get() const { return handle_; }
  Handle* out() { return &handle_; }

 private:
  Handle handle_ = nullptr;
};
using Database = Owned<duckdb_database, duckdb_close>;
using Connection = Owned<duckdb_connection, duckdb_disconnect>;
using Config = Owned<duckdb_config, duckdb_destroy_config>;
using Prepared = Owned<duckdb_prepared_statement, duckdb_destroy_prepare>;
using Pending = Owned<duckdb_pending_result, duckdb_destroy_pending>;
using Chunk = Owned<duckdb_data_chunk, duckdb_destroy_data_chunk>;
using LogicalType = Owned<duckdb_logical_type, duckdb_destroy_logical_type>;
using Value = Owned<duckdb_value, duckdb_destroy_value>;
using Appender = Owned<duckdb_appender, [](duckdb_appender* a) { duckdb_appender_destroy(a); }>;
using TableFunction = Owned<duckdb_table_function, duckdb_destroy_table_function>;
using ScalarFunction = Owned<duckdb_scalar_function, duckdb_destroy_scalar_function>;

class ResultSet {
 public:
  ResultSet() = default;
  ResultSet(const ResultSet&) = delete;
  ResultSet& operator=(const ResultSet&) = delete;
  ~ResultSet() { duckdb_destroy_result(&result_); }
  duckdb_result* get() { return &result_; }

 private:
  duckdb_result result_{};
};

// 'it''s' and "a ""b""", for text that goes into SQL of ours.
std::string sql_literal(std::string_view text);
std::string sql_identifier(std::string_view name);
// ['a', 'b']
std::string sql_list(const std::vector<std::string>& texts);
// read_parquet(['a', 'b'])
std::string read_parquet(const std::vector<std::string>& files);

// A text that the engine gave, as one of ours; the engine's is freed. Empty for nullptr.
std::string taken(char* text);

// A text of a VARCHAR vector; it lives as long as the vector. Spelled out, as the engine's own
// functions for it are calls.
inline std::string_view view_of(const duckdb_string_t& text) {
  const auto& inlined = text.value.inlined;
  return {inlined.length <= sizeof inlined.inlined ? inlined.inlined : text.value.pointer.ptr,
          inlined.length};
}
inline std::string_view text_at(duckdb_vector vector, idx_t row) {
  return view_of(static_cast<const duckdb_string_t*>(duckdb_vector_get_data(vector))[row]);
}

// Of a vector's validity, which is null where all of it is.
inline bool valid_at(const std::uint64_t* validity, idx_t row) {
  return validity == nullptr || (validity[row / 64] >> (row % 64) & 1) != 0;
}

// Whose statement failed, which tells what its errors mean.
enum class Author { kOurs, kUsers };
Error engine_error(duckdb_error_type type, std::string_view message, Author author);

// The next rows of a streaming result; none at its end. Errors: the engine's, as `author`'s
// statement has them; task.cancelled; engine.interrupted (Transient), see Session::why_interrupted.
Result<Chunk> fetch_rows(ResultSet& rows, Author author, const std::stop_token& stop);
bool is_unasked(const Error& error);  // engine.interrupted

class Session {
 public:
  static Result<std::unique_ptr<Session>> open();

  duckdb_connection connection() const { return connection_.get(); }
  Result<Connection> connect() const;  // a further one

  // A statement of ours, without anything to watch.
  Status run(const std::string& sql);
  // The same for its rows, as texts.
  using Row = std::vector<std::optional<std::string>>;
  Result<std::vector<Row>> rows(const std::string& sql);

  Result<Prepared> prepare(const std::string& sql, Author author);
  // Runs a prepared statement in slices and stops between them, or inside by an interrupt, when
  // `stop` says so: task.cancelled. `streaming`: the result is ready at its first rows, and the
  // rest is made while it is fetched. `watch` is called between slices. Error besides the
  // statement's: engine.interrupted (Transient), where why_interrupted() can't tell.
  Status execute(const Prepared& statement, bool streaming, const std::stop_token& stop,
                 ResultSet& result, Author author, const std::function<void()>& watch);

  // Why a statement that only reads was interrupted though nobody asked for it: where one thread of
  // the engine fails, another that is ended for it may be the first to tell, and all that it knows
  // is that. So the statement runs again, for its error alone. Also task.cancelled, after all, and
  // engine.interrupted.
  Error why_interrupted(const Prepared& statement, const std::stop_token& stop, Author author);

  // Takes what is left of the connection's last statement off the engine's threads: they may still
  // be at it, and at what it reads from us.
  void abandon();
  void interrupt() { duckdb_interrupt(connection_.get()); }
  // 0 to 1, or negative when the engine does not know.
  double progress() const;

 private:
  Session() = default;
  Status execute_once(const Prepared& statement, bool streaming, const std::stop_token& stop,
                      ResultSet& result, Author author, const std::function<void()>& watch);
  Database database_;
  Connection connection_;
};

}  // namespace millrace::kernel
