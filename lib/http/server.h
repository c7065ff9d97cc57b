// Server: HTTP/1.1 on TCP, on a thread of its own. What comes from outside is bounded everywhere:
// header, body, connections, time to send, time to read, and how far a stream's reader may lag.
//
//   Router router;
//   router.add("GET", "/healthz", [](Request, Responder r) { r.send({.body = "ok\n"}); }, {.open =
//   true}); MILLRACE_TRY(server, Server::start({.port = 8080}, std::move(router))); …
//   server->stop(seconds(5));
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "lib/http/message.h"
#include "lib/http/router.h"

namespace millrace::http {

// What one request came to, for metrics and access logs.
struct Exchange {
  std::string method;
  std::string pattern;  // of the route; empty when none matched
  std::string path;
  std::string peer;
  int status = 0;
  Micros duration;  // from the header's end to the response's end
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any that is free
  std::size_t max_connections = 512;
  std::size_t max_header = 16 << 10;
  // What the kernel may hold for a reader that is behind, in bytes; 0: as much as the system lets
  // it grow.
  int send_buffer = 0;
  Micros idle_timeout = seconds(75);    // between requests
  Micros header_timeout = seconds(10);  // from a request's first byte to its header's end
  Micros body_timeout = seconds(30);
  Micros handler_timeout = seconds(120);
  Micros write_timeout = seconds(30);  // of one response, or one chunk of a stream
  // Asked with a request's head before its body is read, unless its route is open. A response
  // refuses.
  std::function<std::optional<Response>(const Request&)> gate{};
  // Called on the server's thread after each response.
  std::function<void(const Exchange&)> observe{};
};

class Server {
 public:
  // Listens, and serves from then on. Errors: http.address_invalid, http.address_in_use (both name
  // the address), http.listen_failed.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Router router);
  ~Server();  // stops without grace
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  // Accepts nothing more, ends streams, lets requests that are being answered finish for at most
  // `grace`, closes what is left and joins the thread. Not on the server's own thread. Twice is
  // once.
  void stop(Micros grace);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::http
