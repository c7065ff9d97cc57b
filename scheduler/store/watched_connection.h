// WatchedConnection: a connection of libpqxx whose calls another thread can break off. libpqxx
// blocks, and a server that hangs without closing its socket would block it for good.
#pragma once

#include <memory>
#include <mutex>
#include <string>

namespace pqxx {
class connection_base;  // NOLINT(readability-identifier-naming): its own name
}  // namespace pqxx

namespace millrace::scheduler {

class WatchedConnection {
 public:
  explicit WatchedConnection(const std::string& connection_string);
  ~WatchedConnection();

  // The owner's thread: the connection, opened when it is not. Throws what libpqxx throws.
  pqxx::connection_base& get();
  bool open() const { return opened_ != nullptr; }
  void close();

  // Any thread: whatever call is under way fails soon, as with a lost connection.
  void break_off();

 private:
  // Of the very type that it was made as: the base's destructor is not virtual, and deleted through
  // it a connection would stay open.
  struct Opened;

  std::string connection_string_;
  std::unique_ptr<Opened> opened_;
  std::mutex mutex_;  // guards the socket's number against its reuse
  int socket_ = -1;
};

}  // namespace millrace::scheduler
