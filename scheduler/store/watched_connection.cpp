#include "scheduler/store/watched_connection.h"

#include <sys/socket.h>

#include <pqxx/connection>

#include "lib/postgres/read_pool.h"

namespace millrace::scheduler {

WatchedConnection::WatchedConnection(const std::string& connection_string)
    : connection_string_(postgres::with_timeouts(connection_string)) {}

WatchedConnection::~WatchedConnection() { close(); }

void WatchedConnection::Closing::operator()(pqxx::connection_base* connection) const {
  delete static_cast<pqxx::connection*>(connection);
}

pqxx::connection_base& WatchedConnection::get() {
  if (connection_ == nullptr) {
    auto opened = std::make_unique<pqxx::connection>(connection_string_);
    const std::lock_guard lock(mutex_);
    socket_ = opened->sock();
    connection_.reset(opened.release());
  }
  return *connection_;
}

void WatchedConnection::close() {
  {
    const std::lock_guard lock(mutex_);
    socket_ = -1;
  }
  connection_.reset();
}

void WatchedConnection::break_off() {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

}  // namespace millrace::scheduler
