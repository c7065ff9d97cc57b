#include "scheduler/store/watched_connection.h"

#include <sys/socket.h>

#include <pqxx/connection>
#include <utility>

#include "lib/postgres/read_pool.h"

namespace millrace::scheduler {

struct WatchedConnection::Opened {
  explicit Opened(const std::string& connection_string) : connection(connection_string) {}

  pqxx::connection connection;
};

WatchedConnection::WatchedConnection(const std::string& connection_string)
    : connection_string_(postgres::with_timeouts(connection_string)) {}

WatchedConnection::~WatchedConnection() { close(); }

pqxx::connection_base& WatchedConnection::get() {
  if (opened_ == nullptr) {
    auto opened = std::make_unique<Opened>(connection_string_);
    const std::lock_guard lock(mutex_);
    socket_ = opened->connection.sock();
    opened_ = std::move(opened);
  }
  return opened_->connection;
}

void WatchedConnection::close() {
  {
    const std::lock_guard lock(mutex_);
    socket_ = -1;
  }
  opened_.reset();
}

void WatchedConnection::break_off() {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

}  // namespace millrace::scheduler
