#include "lib/client/transport.h"

#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

namespace millrace::client {
namespace {

namespace http = web::http;

constexpr std::size_t kMaxBody = std::size_t{64} << 20;
constexpr std::size_t kPiece = std::size_t{64} << 10;
// The library would start forty threads; a client that makes one request at a time needs these.
constexpr std::size_t kThreads = 2;

void limit_threads() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      crossplat::threadpool::initialize_with_threads(kThreads);
    } catch (const std::exception&) {
      // Somebody else in this process was first: their count serves as well.
    }
  });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// Cancels an exchange when its deadline passes: the library knows silence, but no end.
class Alarm {
 public:
  Alarm(SteadyTime deadline, const pplx::cancellation_token_source& source) {
    if (deadline == SteadyTime::max()) return;
    thread_ = std::jthread([this, deadline, source](const std::stop_token& stop) {
      std::unique_lock lock(mutex_);
      if (wake_.wait_until(lock, stop, deadline, [&stop] { return stop.stop_requested(); })) return;
      if (stop.stop_requested()) return;
      rang_ = true;
      lock.unlock();
      source.cancel();
    });
  }
  bool rang() const {
    const std::lock_guard lock(mutex_);
    return rang_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool rang_ = false;
  std::jthread thread_;  // last: it is joined while what it uses still lives
};

Error timed_out() {
  return Error{ErrorClass::kTransient, "client.timeout", "the time allowed for the request is over",
               ""};
}

}  // namespace

std::string Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equal_ignoring_case(key, name)) return value;
  return "";
}

struct Transport::Connection {
  web::uri base;
  std::string url;
};

Transport::Transport(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Transport::Transport(Transport&&) noexcept = default;
Transport& Transport::operator=(Transport&&) noexcept = default;
Transport::~Transport() = default;

Result<Transport> Transport::to(const std::string& url) {
  limit_threads();
  try {
    auto connection = std::make_unique<Connection>();
    connection->base = web::uri(url);
    connection->url = url;
    const std::string& scheme = connection->base.scheme();
    if ((scheme == "http" || scheme == "https") && !connection->base.host().empty())
      return Transport(std::move(connection));
  } catch (const std::exception&) {
    // Falls through: the library's words say less than ours.
  }
  return Error{ErrorClass::kUser, "client.invalid", "\"" + url + "\" is no address of a scheduler",
               "give one like http://127.0.0.1:8080"};
}

Result<Response> Transport::send(const Request& request) const {
  std::string body;
  bool too_large = false;
  auto response = stream(request, [&](std::string_view piece) {
    too_large = body.size() + piece.size() > kMaxBody;
    if (!too_large) body += piece;
    return !too_large;
  });
  if (too_large)
    return Error{ErrorClass::kResource, "client.too_large", "the answer exceeds 64 MiB",
                 "ask for less at a time"};
  if (response.ok() && response->status == 200) response->body = std::move(body);
  return response;
}

Result<Response> Transport::stream(const Request& request, const BodySink& sink) const {
  pplx::cancellation_token_source cancel;
  const Alarm alarm(request.deadline, cancel);
  bool answered = false;
  try {
    http::client::http_client_config config;
    config.set_timeout(request.patience);
    http::client::http_client client(connection_->base, config);
    http::http_request message(request.method);
    message.set_request_uri(web::uri(request.target));
    for (const auto& [name, value] : request.headers) message.headers().add(name, value);
    if (!request.body.empty()) message.set_body(request.body, "");
    // set_body names a type of its own; the caller's, if any, is the one that counts.
    for (const auto& [name, value] : request.headers)
      if (equal_ignoring_case(name, "content-type")) message.headers()[name] = value;

    http::http_response answer = client.request(message, cancel.get_token()).get();
    answered = true;
    Response response;
    response.status = answer.status_code();
    for (const auto& [name, value] : answer.headers()) response.headers.emplace_back(name, value);

    auto buffer = answer.body().streambuf();
    std::array<char, kPiece> piece;
    while (true) {
      // A read of n bytes waits for all n; so: wait for one, then take what is there.
      std::size_t count = buffer.getn(reinterpret_cast<std::uint8_t*>(piece.data()), 1).get();
      if (count == 0) break;
      const std::size_t more = std::min(buffer.in_avail(), piece.size() - 1);
      if (more > 0)
        count += buffer.getn(reinterpret_cast<std::uint8_t*>(piece.data()) + 1, more).get();
      const std::string_view view(piece.data(), count);
      if (response.status != 200) {
        if (response.body.size() + count > kMaxBody) break;
        response.body += view;
      } else if (!sink(view)) {
        cancel.cancel();
        return response;
      }
    }
    // An answer that was cut off ends the stream with an error kept in this task.
    answer.content_ready().get();
    return response;
  } catch (const std::exception& error) {
    if (alarm.rang()) return timed_out();
    if (answered)
      return Error{ErrorClass::kTransient, "client.broken",
                   "the connection to " + connection_->url + " ended in the middle of an answer",
                   ""};
    return Error{ErrorClass::kTransient, "client.unreachable",
                 "no answer from " + connection_->url + " (" + error.what() + ")",
                 "is it running? `millrace status` tells, `millrace up` starts it"};
  }
}

}  // namespace millrace::client
