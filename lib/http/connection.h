// One client's connection: reads requests, asks the router, sends responses and streams. Private to
// the server: includes Asio.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <set>
#include <utility>  // asio/awaitable.hpp forgets it

#include "lib/http/server.h"

namespace millrace::http {

class Connection;

// What all connections share. Lives until the last Responder or BodyStream that may still wake a
// connection is gone; everything in it belongs to the one thread that runs `io`.
struct Shared {
  Shared(ServerOptions server_options, Router server_router)
      : options(std::move(server_options)), router(std::move(server_router)) {}

  const ServerOptions options;
  const Router router;
  std::set<Connection*> connections;
  bool stopping = false;
  std::function<void()> on_empty;  // while stopping: the last connection has gone
  boost::asio::io_context io{1};   // last, so that pending operations are destroyed first
};

// Begins to serve a socket. On the server's thread.
void serve(const std::shared_ptr<Shared>& shared, boost::asio::ip::tcp::socket socket);
// Ends what waits; lets a request that is being answered finish.
void wind_down(Connection& connection);
// Closes at once.
void abort(Connection& connection);

}  // namespace millrace::http
