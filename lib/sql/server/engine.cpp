#include "lib/sql/server/engine.h"

#include <duckdb.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "lib/sql/error_place.h"
#include "lib/sql/limits.h"

namespace millrace::sql {
namespace {

Error unavailable(const std::string& message) {
  return Error{ErrorClass::kInfrastructure, "sql.parser_unavailable", message};
}

constexpr struct {
  const char* name;
  const char* value;
} kSettings[] = {
    {"threads", "1"},
    {"memory_limit", "256MB"},
    {"temp_directory", ""},
    {"enable_external_access", "false"},
    {"autoinstall_known_extensions", "false"},
    {"autoload_known_extensions", "false"},
    {"lock_configuration", "true"},
};

std::string error_answer(const char* type, const std::string& message) {
  return nlohmann::json{{"error", true}, {"error_type", type}, {"error_message", message}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A result and its chunk, destroyed on every path.
struct Answer {
  duckdb_result result{};
  duckdb_data_chunk chunk = nullptr;
  Answer() = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
  }
};

}  // namespace

struct Engine::Handles {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  duckdb_prepared_statement query = nullptr;
  Handles() = default;
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    duckdb_destroy_prepare(&query);
    duckdb_disconnect(&connection);
    duckdb_close(&database);
  }
};

Engine::Engine(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Result<Engine> Engine::open() {
  if (const std::string version = duckdb_library_version(); version != kEngineVersion) {
    return unavailable("libduckdb is " + version + ", not " + kEngineVersion);
  }
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) == DuckDBError) return unavailable("libduckdb gives no config");
  for (const auto& [name, value] : kSettings) {
    if (duckdb_set_config(config, name, value) == DuckDBError) {
      duckdb_destroy_config(&config);
      return unavailable("libduckdb does not take the setting \"" + std::string(name) + "\"");
    }
  }
  auto handles = std::make_unique<Handles>();
  char* message = nullptr;
  const duckdb_state opened = duckdb_open_ext(nullptr, &handles->database, config, &message);
  duckdb_destroy_config(&config);
  if (opened == DuckDBError) {
    const std::string text = message == nullptr ? "" : message;
    duckdb_free(message);
    return unavailable("libduckdb does not open: " + text);
  }
  if (duckdb_connect(handles->database, &handles->connection) == DuckDBError) {
    return unavailable("libduckdb does not connect");
  }
  if (duckdb_prepare(handles->connection, kTreeQuery, &handles->query) == DuckDBError) {
    return unavailable(duckdb_prepare_error(handles->query));
  }
  return Engine(std::move(handles));
}

std::string Engine::tree(std::string_view text, bool& exhausted) {
  exhausted = false;
  Answer answer;
  if (duckdb_bind_varchar_length(handles_->query, 1, text.data(), text.size()) == DuckDBError) {
    return error_answer("invalid input", "the text is not UTF-8");
  }
  if (duckdb_execute_prepared(handles_->query, &answer.result) == DuckDBError) {
    exhausted = duckdb_result_error_type(&answer.result) == DUCKDB_ERROR_OUT_OF_MEMORY;
    const char* message = duckdb_result_error(&answer.result);
    return error_answer(exhausted ? "out of memory" : "other", message == nullptr ? "" : message);
  }
  answer.chunk = duckdb_fetch_chunk(answer.result);
  if (answer.chunk == nullptr || duckdb_data_chunk_get_size(answer.chunk) != 1) {
    return error_answer("other", "the engine gave no tree");
  }
  duckdb_vector column = duckdb_data_chunk_get_vector(answer.chunk, 0);
  auto* tree = static_cast<duckdb_string_t*>(duckdb_vector_get_data(column));
  const std::string_view json(duckdb_string_t_data(tree), duckdb_string_t_length(*tree));
  // The engine reports an allocation that failed while it parsed inside the tree.
  constexpr std::size_t kHead = 256;
  exhausted =
      json.substr(0, kHead).find("\"error_type\":\"out of memory\"") != std::string_view::npos;
  if (json.size() > kMaxTreeBytes) {
    return error_answer("too large", "the statement has too many parts");
  }
  return std::string(json);
}

}  // namespace millrace::sql
