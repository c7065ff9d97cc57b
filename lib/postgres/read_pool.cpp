#include "lib/postgres/read_pool.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <pqxx/connection>
#include <pqxx/transaction>
#include <utility>
#include <vector>

#include "lib/postgres/sql_failure.h"

namespace millrace::postgres {
namespace {

using ReadTransaction = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

struct Option {
  const char* name;
  const char* value;
};
constexpr Option kOptions[] = {
    {"application_name", "millrace"}, {"connect_timeout", "5"},  {"keepalives_idle", "5"},
    {"keepalives_interval", "2"},     {"keepalives_count", "3"}, {"tcp_user_timeout", "10000"},
};

}  // namespace

struct ReadPool::Shared {
  std::string connection_string;
  std::size_t limit;
  std::mutex mutex;
  std::condition_variable freed;
  std::vector<std::unique_ptr<pqxx::connection>> free = {};
  std::size_t in_use = 0;

  // A connection that is free, or null for one to be opened: a place is taken either way.
  std::unique_ptr<pqxx::connection> take() {
    std::unique_lock lock(mutex);
    freed.wait(lock, [this] { return in_use < limit; });
    ++in_use;
    if (free.empty()) return nullptr;
    std::unique_ptr<pqxx::connection> connection = std::move(free.back());
    free.pop_back();
    return connection;
  }
  void give_back(std::unique_ptr<pqxx::connection> connection) {
    {
      const std::lock_guard lock(mutex);
      --in_use;
      if (connection != nullptr) free.push_back(std::move(connection));
    }
    freed.notify_one();
  }
};

ReadPool::ReadPool(const std::string& connection_string, std::size_t connections)
    : shared_(new Shared{.connection_string = with_timeouts(connection_string),
                         .limit = connections,
                         .mutex = {},
                         .freed = {}}) {}
ReadPool::~ReadPool() = default;

Status ReadPool::read(const std::function<Status(Transaction&)>& look) {
  std::unique_ptr<pqxx::connection> connection = shared_->take();
  bool fresh = connection == nullptr;
  while (true) {
    try {
      if (connection == nullptr) {
        connection = std::make_unique<pqxx::connection>(shared_->connection_string);
      }
      ReadTransaction work(*connection);
      work.exec("SET LOCAL statement_timeout = '30s'");
      Transaction transaction{work};
      Status status = look(transaction);
      work.commit();
      shared_->give_back(std::move(connection));
      return status;
    } catch (const std::exception& exception) {
      const SqlFailure failure = sql_failure(exception);
      // One that lay in the pool may have been closed meanwhile; a fresh one tells the truth.
      if (failure.trouble == SqlTrouble::kLost) connection.reset();
      if (failure.trouble == SqlTrouble::kLost && !std::exchange(fresh, true)) continue;
      shared_->give_back(std::move(connection));
      return failure.to_error();
    }
  }
}

std::string with_timeouts(const std::string& connection_string) {
  const bool uri = connection_string.starts_with("postgresql://") ||
                   connection_string.starts_with("postgres://");
  std::string options;
  for (const Option& option : kOptions) {
    options += std::string(option.name) + "=" + option.value + (uri ? "&" : " ");
  }
  // The last to say something wins.
  if (!uri) return options + connection_string;
  const std::size_t question = connection_string.find('?');
  if (question == std::string::npos) {
    options.pop_back();
    return connection_string + "?" + options;
  }
  return connection_string.substr(0, question + 1) + options +
         connection_string.substr(question + 1);
}

}  // namespace millrace::postgres
