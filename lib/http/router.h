// Router: method and path to a handler. Patterns have parameters for whole segments,
// "/v1/namespaces/{ns}/runs/{run}"; a literal segment wins over a parameter.
//
// Filled before the server starts, then only read: thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/http/message.h"

namespace millrace::http {

struct RouteOptions {
  std::size_t max_body = 1 << 20;           // bytes; more is refused with 413
  bool open = false;                        // answered without asking the gate
  std::optional<Micros> handler_timeout{};  // instead of the server's
};

struct Route {
  std::string method;
  std::string pattern;
  Handler handler;
  RouteOptions options;
};

class Router {
 public:
  // The same method and pattern twice is a broken invariant and ends the process.
  void add(std::string method, std::string pattern, Handler handler, RouteOptions options = {});

  struct Match {
    const Route* route = nullptr;  // as long as the router lives
    Parameters parameters;         // decoded
  };
  struct NoPath {};
  struct NoMethod {
    std::string allow;  // value of the Allow header: "GET, HEAD, OPTIONS, PUT"
    bool open = false;  // every route of the path is
  };
  using Found = std::variant<Match, NoPath, NoMethod>;
  // HEAD finds the route of GET where there is none of its own. `path` is as sent, with escapes.
  Found find(std::string_view method, std::string_view path) const;

  const std::deque<Route>& routes() const { return routes_; }

 private:
  struct Entry {
    std::vector<std::string> segments;  // of the pattern
    std::vector<const Route*> routes;   // by method
  };
  std::deque<Route> routes_;  // stable addresses
  std::vector<Entry> entries_;
};

}  // namespace millrace::http
