// Client: one namespace of a scheduler's REST interface. Builds requests and tells answers from
// problems; what bodies mean is the caller's affair.
//
//   Client client(find_endpoint, "default");
//   Answer answer = client.call({.path = {"runs", name}});
//   if (!answer.ok()) return report(answer.problem);
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "lib/client/event_stream.h"
#include "lib/client/problem.h"
#include "lib/client/transport.h"

namespace millrace::client {

// Where a scheduler listens and the bearer token that it wants.
struct Endpoint {
  std::string url;
  std::string token;
};
// Asked before every connection: a scheduler that was started again may listen elsewhere.
using FindEndpoint = std::function<Result<Endpoint>()>;

struct Call {
  std::string method = "GET";
  std::vector<std::string>
      path{};  // below /v1/namespaces/NAMESPACE, unencoded: {"runs", "flights-7k2"}
  std::vector<std::pair<std::string, std::string>> query{};  // unencoded
  std::string body{};
  std::string content_type = "application/json";  // of the body
  std::string accept{};
  std::string idempotency_key{};
  std::chrono::milliseconds patience{30'000};  // the longest silence of the server that is borne
  SteadyTime deadline = SteadyTime::max();
  // While no answer comes (or 503), the call is made again until then. Only for what may be
  // repeated.
  std::optional<SteadyTime> keep_trying_until{};
};

struct Answer {
  int status = 0;  // 0: none came
  std::string body;
  std::string content_type;
  std::vector<Header> headers;
  bool failed = false;  // the status is not 2xx or 304, or none came
  Problem problem;      // why, when it failed
  bool ok() const { return !failed; }
  // As Response has it.
  std::string header(std::string_view name) const {
    return Response{.headers = headers, .body = {}}.header(name);
  }
};

// Thread-safe as far as FindEndpoint is.
class Client {
 public:
  explicit Client(FindEndpoint find_endpoint, std::string name_space = "default");

  Answer call(const Call& call) const;
  // A 200's body goes to `sink` in pieces.
  Answer stream(const Call& call, const BodySink& sink) const;
  // GET of a path outside namespaces, without a token: "/readyz".
  Answer probe(const std::string& target, SteadyTime deadline) const;

  const std::string& name_space() const { return name_space_; }

 private:
  Answer once(const Call& call, const BodySink* sink) const;

  FindEndpoint find_endpoint_;
  std::string name_space_;
};

// True for a problem that may pass when one asks again: no connection, a cut one, 503.
bool may_pass(const Problem& problem);

std::string percent_encode(std::string_view text);

// How a stream of events is followed through lost connections and restarted schedulers.
struct Follow {
  std::vector<std::string> path{};
  std::string after{};  // id of the last event that is known; empty: from the server's choice
  SteadyTime deadline = SteadyTime::max();
  std::function<bool(const ServerEvent&)> on_event{};  // false: enough
  // The connection was lost (reason) or is there again (empty). May be null.
  std::function<void(const std::string& reason)> on_connection{};
  // The server no longer has the events after `after`. Reads the present state and returns the id
  // that it is as of; nothing: enough. May be null, then such an answer is an error.
  std::function<std::optional<std::string>()> on_gap{};
};

// Returns when on_event or on_gap have had enough (nothing), or with the problem that can't pass:
// client.timeout at the deadline, else what the server said.
std::optional<Problem> follow(const Client& client, Follow follow);

}  // namespace millrace::client
