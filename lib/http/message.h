// Requests and responses of the HTTP server as plain values: no Beast, no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "lib/http/body_stream.h"

namespace millrace::http {

// Header fields in the order sent. Names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  // The first field of that name; empty when there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  // All fields of that name as the one list that they are together (RFC 9110, 5.3): "a, b".
  std::string list(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Query or path parameters, decoded, in the order given.
class Parameters {
 public:
  void add(std::string name, std::string value) {
    values_.emplace_back(std::move(name), std::move(value));
  }
  // The first of that name; nothing when there is none.
  std::optional<std::string> get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& values() const { return values_; }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

struct Request {
  std::string method;  // "GET"; upper case as sent
  std::string path;    // before '?', as sent
  std::string
      pattern;  // of the route that matched, "/v1/namespaces/{ns}/runs": safe as a metric's label
  Parameters parameters;  // of the path
  Parameters query;
  Headers headers;
  std::string body;
  std::string peer;  // "127.0.0.1:52114"

  // A path parameter of the route. Empty when the route has none of that name.
  std::string parameter(std::string_view name) const { return parameters.get(name).value_or(""); }
};

struct Response {
  int status = 200;
  std::string content_type{};  // empty: no body is described
  std::string body{};
  Headers headers{};  // besides content-type, content-length and what the connection needs
  // Set: the body is what the stream yields (chunked), and `body` is unused.
  std::shared_ptr<BodyStream> stream{};
};

// Tells whoever makes an answer that nobody waits for it any more: the client closed its side
// before it was answered. Thread-safe.
class Departure {
 public:
  // Calls back once, on the server's thread, or at once on the caller's when it has happened.
  void when(std::function<void()> callback);
  // The connection's side.
  void happen();

 private:
  std::mutex mutex_;
  bool happened_ = false;
  std::function<void()> callback_;
};

// Where a handler sends its one response: now or later, from any thread. When the last copy goes
// without having sent, the client gets a 500 problem, so no request hangs.
class Responder {
 public:
  explicit Responder(std::function<void(Response)> deliver,
                     std::shared_ptr<Departure> departure = std::make_shared<Departure>());
  // The first call counts; later ones do nothing.
  void send(Response response) const;
  // Work that nobody wants any more may be stopped. An answer may still be sent.
  void when_gone(std::function<void()> callback) const { departure_->when(std::move(callback)); }

 private:
  struct Once;
  std::shared_ptr<Once> once_;
  std::shared_ptr<Departure> departure_;
};

// Called on the server's thread: must not block.
using Handler = std::function<void(Request, Responder)>;

std::string_view reason_phrase(int status);

}  // namespace millrace::http
