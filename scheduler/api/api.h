// Api: the REST interface of doors.md over the ports of ports.h. Gives a router; who serves it, and
// on which address, is the host's affair.
//
//   Api api(options, ports);
//   http::ServerOptions server_options;
//   server_options.gate = api.gate();
//   server_options.observe = api.observer();
//   MILLRACE_TRY(server, http::Server::start(server_options, api.router()));
//
// The order of the end: server->stop(), api.stop(), and only after the engine's loop has made its
// last call back is the Api destroyed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/http/router.h"
#include "lib/http/server.h"
#include "scheduler/api/compile.h"
#include "scheduler/api/ports.h"
#include "scheduler/engine/ports.h"

namespace prometheus {
class Registry;
}

namespace millrace::api {

struct Context;

class Api {
 public:
  struct Options {
    std::string token;  // every path but health, metrics and version wants it
    std::string version = "0.1.0";
    std::size_t pool_threads = 8;
    std::size_t max_queued = 1'000;  // requests that wait for the pool; beyond: 503
    std::size_t max_stream_buffer = 1 << 20;
    std::size_t max_queries = 8;  // at once; beyond: 429
    Micros ping_interval = seconds(15);
    Micros progress_interval = seconds(1);
  };
  struct Ports {
    EnginePort& engine;
    Reads& reads;
    ProgressPort& progress;
    LogPort& logs;
    AnswerPort& answers;
    SqlAnalyzer analyze;  // blocks; called on the pool
    RunIdSource new_run;
    // For /readyz: whether it leads and the store takes what it is given, or why not. Any thread.
    std::function<Status()> ready;
    std::shared_ptr<prometheus::Registry> metrics;
  };

  Api(Options options, Ports ports);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  http::Router router();
  // For http::ServerOptions: refuses requests without the token.
  std::function<std::optional<http::Response>(const http::Request&)> gate() const;
  // For http::ServerOptions: counts requests in the metrics.
  std::function<void(const http::Exchange&)> observer() const;

  // The host tells it what the engine tells an ObserverPort. On the loop's thread.
  void applied(const scheduler::Batch& batch, const scheduler::State& state);
  void leading(bool leads);
  // Streams that are told of what happens. On the loop's thread.
  std::size_t watchers() const;

  void stop();

 private:
  std::unique_ptr<Context> context_;
};

}  // namespace millrace::api
