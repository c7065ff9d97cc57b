// HTTP/1.1 to one server, whole answers or answers piece by piece. The only part of the tree that
// knows cpprestsdk (transport.cpp): when that library goes, this interface stays.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace millrace::client {

using Header = std::pair<std::string, std::string>;
using SteadyTime = std::chrono::steady_clock::time_point;

struct Request {
  std::string method = "GET";
  std::string target;  // path and query, percent-encoded: "/v1/namespaces/default/runs?limit=10"
  std::vector<Header> headers;
  std::string body;
  // The longest silence of the server that is borne, connecting included.
  std::chrono::milliseconds patience{30'000};
  // When to give up in any case.
  SteadyTime deadline = SteadyTime::max();
};

struct Response {
  int status = 0;
  std::vector<Header> headers;  // names as the server wrote them
  std::string body;

  // The first header of that name, in any case of letters; empty when there is none.
  std::string header(std::string_view name) const;
};

// Gets pieces of a body as they arrive; false ends the exchange, which then counts as complete.
using BodySink = std::function<bool(std::string_view)>;

// Thread-safe. Errors: client.unreachable (no connection), client.broken (it ended before the
// answer did), client.timeout (the deadline passed), client.too_large, client.invalid (a URL that
// is none).
class Transport {
 public:
  // "http://127.0.0.1:8080"
  static Result<Transport> to(const std::string& url);
  Transport(Transport&&) noexcept;
  Transport& operator=(Transport&&) noexcept;
  ~Transport();

  // The whole answer, at most 64 MiB.
  Result<Response> send(const Request& request) const;
  // The body of a 200 goes to `sink`, of any length; another answer's body comes back in the
  // response.
  Result<Response> stream(const Request& request, const BodySink& sink) const;

 private:
  struct Connection;
  explicit Transport(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace millrace::client
