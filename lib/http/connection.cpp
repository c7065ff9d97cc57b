#include "lib/http/connection.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <ctime>
#include <exception>
#include <limits>
#include <vector>

#include "lib/http/problem.h"
#include "lib/http/url.h"

namespace millrace::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Parser = bhttp::request_parser<bhttp::string_body>;

std::chrono::microseconds chrono_of(Micros duration) {
  return std::chrono::microseconds(duration.value());
}

Micros micros_since(Clock::time_point start) {
  return Micros(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
}

std::string text_of(boost::string_view text) { return {text.data(), text.size()}; }

// An HTTP date (RFC 9110, IMF-fixdate), in English whatever the locale.
std::string http_date() {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[utc.tm_wday],
                utc.tm_mday, kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
  return text;
}

Response refusal(int status, std::string title, std::string detail, std::string code) {
  return to_response(Problem{.status = status,
                             .code = std::move(code),
                             .title = std::move(title),
                             .detail = std::move(detail),
                             .error_class = status >= 500 ? "Transient" : "User"});
}

// What is wrong with bytes that are no request we take.
Response refusal_of(const error_code& ec, bool timed_out) {
  if (ec == bhttp::error::header_limit)
    return refusal(431, "Header too large", "the request's header is over the limit",
                   "http.header_too_large");
  if (ec == bhttp::error::body_limit)
    return refusal(413, "Body too large", "the request's body is over the limit",
                   "http.body_too_large");
  if (timed_out)
    return refusal(408, "Too slow", "the request did not come in time", "http.request_timeout");
  return refusal(400, "Bad request", "no HTTP/1.1 request: " + ec.message(), "http.malformed");
}

// Why the end of the body can't be told: Beast takes a body whose coding it does not know for none,
// and what the body holds for the next request (RFC 9112, 6.1 and 6.3).
std::optional<Response> undelimited(const Headers& headers, unsigned version) {
  if (!headers.has("transfer-encoding")) return std::nullopt;
  const std::string list = headers.list("transfer-encoding");
  std::vector<std::string> codings;
  for (std::string_view rest = list; !rest.empty();) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const auto begin = item.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    codings.emplace_back(item.substr(begin, item.find_last_not_of(" \t") - begin + 1));
  }
  const auto chunked = std::count_if(codings.begin(), codings.end(), [](const std::string& coding) {
    return beast::iequals(coding, "chunked");
  });
  if (chunked != 1 || !beast::iequals(codings.back(), "chunked") || version < 11 ||
      headers.has("content-length"))
    return refusal(400, "Bad request", "the Transfer-Encoding does not tell where the body ends",
                   "http.malformed");
  if (codings.size() > 1)
    return refusal(501, "Not implemented", "of transfer codings only \"chunked\" is understood",
                   "http.coding_unknown");
  return std::nullopt;
}

bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Shared> shared, tcp::socket socket)
      : shared_(std::move(shared)),
        socket_(std::move(socket)),
        timer_(shared_->io),
        deadline_(shared_->io) {
    error_code ec;
    socket_.set_option(tcp::no_delay(true), ec);
    if (shared_->options.send_buffer > 0)
      socket_.set_option(asio::socket_base::send_buffer_size(shared_->options.send_buffer), ec);
    const auto remote = socket_.remote_endpoint(ec);
    if (!ec) peer_ = remote.address().to_string() + ":" + std::to_string(remote.port());
    shared_->connections.insert(this);
  }
  ~Connection() {
    if (body_) body_->abandon();
    shared_->connections.erase(this);
    if (shared_->connections.empty() && shared_->on_empty) shared_->on_empty();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static asio::awaitable<void> run(std::shared_ptr<Connection> self) {
    bool more = true;
    while (more && !self->shared_->stopping) more = co_await self->exchange();
    co_await self->linger();
    self->expires_never();
  }

  void wind_down() {
    // What is idle or endless ends now; an answer that is being made or sent goes out first.
    if (idle_ || body_) abort();
  }

  void abort() {
    aborted_ = true;
    expires_never();
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
  }

 private:
  // One request and its response. False: the connection has served its last. What it passes to
  // the steps by pointer outlives them: it awaits each of them.
  asio::awaitable<bool> exchange();
  // Reads the head into request_; false with response_ set, or nothing when there is nobody to
  // answer.
  asio::awaitable<bool> read_head(Parser* parser);
  // Finds the route and asks the gate; sets response_ when the request goes no further.
  const Route* admit();
  asio::awaitable<bool> read_body(Parser* parser, const Route* route);
  asio::awaitable<void> ask(const Route* route);
  // While an answer is made: notices that the client closes its side.
  void watch_for_departure();
  asio::awaitable<bool> send(Response response);
  asio::awaitable<bool> send_stream(bhttp::response<bhttp::empty_body> head);
  asio::awaitable<bool> pump();
  asio::awaitable<bool> write_chunk(std::string chunk);
  asio::awaitable<void> linger();

  template <typename Body>
  bhttp::response<Body> head_of(const Response& response) const;
  void arrived(std::uint64_t serial, Response response);
  void woken();
  // What is awaited on the socket from now on ends by then, with operation_aborted and timed_out_
  // set. Not Beast's tcp_stream: that closes the socket, and nobody could be told.
  void expires_in(Micros timeout);
  void expires_never();

  std::shared_ptr<Shared> shared_;
  tcp::socket socket_;
  asio::steady_timer timer_;  // woken early by what arrives from other threads
  asio::steady_timer deadline_;
  std::uint64_t deadline_serial_ = 0;  // a deadline that was moved may have fired already
  bool timed_out_ = false;
  beast::flat_buffer buffer_;
  std::string peer_;
  bool idle_ = false;  // between requests
  bool aborted_ = false;
  bool broken_ = false;  // what the client goes on to send can't be understood
  // Of the request that is under way.
  std::uint64_t serial_ = 0;
  Request request_;
  unsigned version_ = 11;
  bool keep_alive_ = false;
  std::optional<Response> response_;
  std::shared_ptr<Departure> departure_;  // while a handler has the request
  std::shared_ptr<BodyStream> body_;
  Clock::time_point started_;
};

void serve(const std::shared_ptr<Shared>& shared, tcp::socket socket) {
  auto connection = std::make_shared<Connection>(shared, std::move(socket));
  asio::co_spawn(shared->io, Connection::run(std::move(connection)), asio::detached);
}

void wind_down(Connection& connection) { connection.wind_down(); }
void abort(Connection& connection) { connection.abort(); }

void Connection::expires_in(Micros timeout) {
  timed_out_ = false;
  deadline_.expires_after(chrono_of(timeout));
  deadline_.async_wait([weak = weak_from_this(), serial = ++deadline_serial_](error_code ec) {
    const auto self = weak.lock();
    if (ec || !self || serial != self->deadline_serial_) return;
    self->timed_out_ = true;
    error_code ignored;
    self->socket_.cancel(ignored);
  });
}

void Connection::expires_never() {
  ++deadline_serial_;
  deadline_.cancel();
}

asio::awaitable<bool> Connection::exchange() {
  ++serial_;
  request_ = {};
  response_.reset();
  keep_alive_ = false;
  version_ = 11;

  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(shared_->options.max_header));
  // Routes have limits of their own, which are not known before the head is. (No limit at all,
  // none, would refuse every length: Beast 1.74 compares with the optional.)
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  const bool understood = co_await read_head(&parser);
  if (aborted_ || (!understood && !response_)) co_return false;
  if (understood) {
    const Route* route = admit();
    if (route != nullptr) {
      const bool whole = co_await read_body(&parser, route);
      if (aborted_ || (!whole && !response_)) co_return false;
      if (whole) co_await ask(route);
    } else if (!parser.is_done()) {
      // The body of a refused request is not read, so nothing after it can be either.
      keep_alive_ = false;
      broken_ = true;
    }
  }
  if (aborted_ || !response_) co_return false;
  const int status = response_->status;
  const bool sent = co_await send(std::move(*response_));
  if (shared_->options.observe)
    shared_->options.observe({.method = request_.method,
                              .pattern = request_.pattern,
                              .path = request_.path,
                              .peer = peer_,
                              .status = status,
                              .duration = micros_since(started_)});
  co_return sent&& keep_alive_;
}

asio::awaitable<bool> Connection::read_head(Parser* parser) {
  error_code ec;
  if (buffer_.size() == 0) {
    idle_ = true;
    expires_in(shared_->options.idle_timeout);
    const std::size_t read =
        co_await socket_.async_read_some(buffer_.prepare(4096), redirect_error(use_awaitable, ec));
    idle_ = false;
    buffer_.commit(read);
    if (ec) co_return false;  // gone, or idle for too long: nothing was asked
  }
  started_ = Clock::now();
  expires_in(shared_->options.header_timeout);
  co_await bhttp::async_read_header(socket_, buffer_, *parser, redirect_error(use_awaitable, ec));
  const auto& head = parser->get();
  if (ec) {
    if (ec == bhttp::error::end_of_stream || ec == asio::error::connection_reset) co_return false;
    broken_ = true;
    response_ = refusal_of(ec, timed_out_);
    co_return false;
  }
  version_ = head.version();
  keep_alive_ = head.keep_alive();
  request_.method = text_of(head.method_string());
  request_.peer = peer_;
  for (const auto& field : head)
    request_.headers.add(text_of(field.name_string()), text_of(field.value()));
  if (response_ = undelimited(request_.headers, version_); response_) {
    broken_ = true;
    keep_alive_ = false;
    co_return false;
  }
  const std::string target = text_of(head.target());
  auto parsed = parse_target(target == "*" && request_.method == "OPTIONS" ? "/" : target);
  const bool host_missing = version_ >= 11 && head.count(bhttp::field::host) != 1;
  if (!parsed || host_missing || version_ / 10 != 1) {
    broken_ = true;
    keep_alive_ = false;
    response_ =
        host_missing
            ? refusal(400, "Bad request", "exactly one Host header is needed", "http.host_missing")
            : refusal(400, "Bad request",
                      "the target is no path, and no http URL, with correct escapes",
                      "http.target_invalid");
    co_return false;
  }
  request_.path = std::move(parsed->path);
  request_.query = std::move(parsed->query);
  co_return true;
}

const Route* Connection::admit() {
  const auto found = shared_->router.find(request_.method, request_.path);
  const auto* match = std::get_if<Router::Match>(&found);
  const auto* no_method = std::get_if<Router::NoMethod>(&found);
  const bool open =
      match != nullptr ? match->route->options.open : no_method != nullptr && no_method->open;
  if (match != nullptr) {
    request_.pattern = match->route->pattern;
    request_.parameters = match->parameters;
  }
  // Before saying what exists: a stranger learns nothing from 404 and 405.
  if (!open && shared_->options.gate) {
    response_ = shared_->options.gate(request_);
    if (response_) return nullptr;
  }
  if (match != nullptr) return match->route;
  if (no_method == nullptr) {
    response_ = refusal(404, "Not found", "nothing is at this path", "http.no_such_path");
    return nullptr;
  }
  if (request_.method == "OPTIONS") {
    response_ = Response{.status = 204};
  } else {
    response_ = refusal(405, "Method not allowed", "this path answers " + no_method->allow,
                        "http.method_not_allowed");
  }
  response_->headers.add("Allow", no_method->allow);
  return nullptr;
}

asio::awaitable<bool> Connection::read_body(Parser* parser, const Route* route) {
  error_code ec;
  const auto length = parser->content_length();
  if (length && *length > route->options.max_body) {
    ec = bhttp::error::body_limit;
  } else if (!parser->is_done()) {
    parser->body_limit(route->options.max_body);
    if (beast::iequals(parser->get()[bhttp::field::expect], "100-continue")) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      expires_in(shared_->options.write_timeout);
      co_await asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                                 redirect_error(use_awaitable, ec));
      if (ec) co_return false;
    }
    expires_in(shared_->options.body_timeout);
    co_await bhttp::async_read(socket_, buffer_, *parser, redirect_error(use_awaitable, ec));
  }
  if (ec) {
    broken_ = true;
    keep_alive_ = false;
    // Cut off in the middle: there may still be somebody to tell (a half-closed socket).
    response_ = refusal_of(ec, timed_out_);
    co_return false;
  }
  request_.body = std::move(parser->get().body());
  co_return true;
}

asio::awaitable<void> Connection::ask(const Route* route) {
  const std::string method = request_.method;
  const std::string pattern = request_.pattern;
  const std::string path = request_.path;
  expires_never();
  departure_ = std::make_shared<Departure>();
  watch_for_departure();
  {
    // Only the handler keeps the responder: when it drops the last copy, the client is told.
    const Responder responder(
        [shared = shared_, weak = weak_from_this(), serial = serial_](Response r) {
          asio::post(shared->io, [weak, serial, response = std::move(r)]() mutable {
            if (const auto self = weak.lock()) self->arrived(serial, std::move(response));
          });
        },
        departure_);
    Request request = std::exchange(request_, {});
    try {
      route->handler(std::move(request), responder);
    } catch (const std::exception& e) {
      responder.send(refusal(500, "Internal error", e.what(), "http.handler_failed"));
    }
  }
  request_.method = method;
  request_.pattern = pattern;
  request_.path = path;
  const auto until =
      Clock::now() +
      chrono_of(route->options.handler_timeout.value_or(shared_->options.handler_timeout));
  while (!response_ && !aborted_ && Clock::now() < until) {
    timer_.expires_at(until);
    error_code ec;
    co_await timer_.async_wait(redirect_error(use_awaitable, ec));
  }
  if (!response_ && !aborted_) {
    keep_alive_ = false;
    response_ =
        refusal(504, "Too slow", "no answer within the time allowed", "http.handler_timeout");
    departure_->happen();
  }
  departure_.reset();
  error_code ignored;
  socket_.cancel(ignored);  // of what watches it; nothing else is awaited now
}

void Connection::watch_for_departure() {
  socket_.async_wait(tcp::socket::wait_read,
                     [weak = weak_from_this(), serial = serial_](error_code ec) {
                       const auto self = weak.lock();
                       if (ec || !self || self->serial_ != serial || !self->departure_) return;
                       // Bytes are the next request, which waits its turn. No bytes are the end.
                       char byte = 0;
                       self->socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
                       if (ec) self->departure_->happen();
                     });
}

void Connection::arrived(std::uint64_t serial, Response response) {
  if (serial != serial_ || response_) {
    // The answer to a request that was given up.
    if (response.stream) response.stream->abandon();
    return;
  }
  response_ = std::move(response);
  timer_.cancel();
}

template <typename Body>
bhttp::response<Body> Connection::head_of(const Response& response) const {
  bhttp::response<Body> head;
  head.version(version_);
  head.result(static_cast<unsigned>(response.status));
  const std::string_view reason = reason_phrase(response.status);
  head.reason({reason.data(), reason.size()});
  head.set(bhttp::field::date, http_date());
  head.set("X-Content-Type-Options", "nosniff");
  if (!response.content_type.empty()) head.set(bhttp::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers.fields()) head.insert(name, value);
  head.keep_alive(keep_alive_ && !shared_->stopping);
  return head;
}

asio::awaitable<bool> Connection::send(Response response) {
  error_code ec;
  expires_in(shared_->options.write_timeout);
  if (response.stream) {
    body_ = std::move(response.stream);
    const bool sent = co_await send_stream(head_of<bhttp::empty_body>(response));
    body_->abandon();
    body_.reset();
    co_return sent;
  }
  const bool head_only = request_.method == "HEAD" || has_no_body(response.status);
  if (head_only) {
    auto message = head_of<bhttp::empty_body>(response);
    if (!has_no_body(response.status)) message.content_length(response.body.size());
    co_await bhttp::async_write(socket_, message, redirect_error(use_awaitable, ec));
  } else {
    auto message = head_of<bhttp::string_body>(response);
    message.body() = std::move(response.body);
    message.content_length(message.body().size());
    co_await bhttp::async_write(socket_, message, redirect_error(use_awaitable, ec));
  }
  co_return !ec;
}

asio::awaitable<bool> Connection::send_stream(bhttp::response<bhttp::empty_body> head) {
  if (version_ < 11) {
    keep_alive_ = false;  // without chunks, the end of the connection is the end of the body
    head.keep_alive(false);
  } else {
    head.chunked(true);
  }
  error_code ec;
  bhttp::response_serializer<bhttp::empty_body> serializer{head};
  co_await bhttp::async_write_header(socket_, serializer, redirect_error(use_awaitable, ec));
  if (ec || aborted_) co_return false;
  if (request_.method == "HEAD") co_return true;
  body_->set_wake([shared = shared_, weak = weak_from_this()] {
    asio::post(shared->io, [weak] {
      if (const auto self = weak.lock()) self->woken();
    });
  });
  const bool complete = co_await pump();
  if (!complete) co_return false;
  if (version_ < 11) co_return true;
  expires_in(shared_->options.write_timeout);
  co_await asio::async_write(socket_, bhttp::make_chunk_last(), redirect_error(use_awaitable, ec));
  co_return !ec;
}

void Connection::woken() {
  // A reader that fell behind is cut off even in the middle of a write that it does not take.
  if (body_ && body_->abandoned()) abort();
  timer_.cancel();
}

// From the stream's buffer to the socket, until its end.
asio::awaitable<bool> Connection::pump() {
  const BodyStream::Options& options = body_->options();
  auto last_write = Clock::now();
  auto last_tick = last_write;
  std::string chunk;
  while (!aborted_) {
    const BodyStream::Take taken = body_->take(chunk);
    if (taken == BodyStream::Take::kEnd) co_return true;
    if (taken == BodyStream::Take::kBroken) co_return false;
    if (taken == BodyStream::Take::kNothing) {
      chunk.clear();
      const auto now = Clock::now();
      auto until = Clock::time_point::max();
      if (options.tick_interval.value() > 0) {
        if (now - last_tick >= chrono_of(options.tick_interval)) {
          last_tick = now;
          chunk = options.tick();
        }
        until = last_tick + chrono_of(options.tick_interval);
      }
      if (chunk.empty() && options.ping_interval.value() > 0) {
        const auto ping_at = last_write + chrono_of(options.ping_interval);
        if (now >= ping_at) chunk = options.ping;
        until = std::min(until, ping_at);
      }
      if (chunk.empty()) {
        timer_.expires_at(until);
        error_code ec;
        co_await timer_.async_wait(redirect_error(use_awaitable, ec));
        continue;
      }
    }
    const bool written = co_await write_chunk(std::move(chunk));
    if (!written) co_return false;
    last_write = Clock::now();
    chunk = {};
  }
  co_return false;
}

asio::awaitable<bool> Connection::write_chunk(std::string chunk) {
  error_code ec;
  expires_in(shared_->options.write_timeout);
  if (version_ < 11) {
    co_await asio::async_write(socket_, asio::buffer(chunk), redirect_error(use_awaitable, ec));
  } else {
    co_await asio::async_write(socket_, bhttp::make_chunk(asio::buffer(chunk)),
                               redirect_error(use_awaitable, ec));
  }
  co_return !ec;
}

// Ends the connection so that the client gets the last response: what it still sends is read and
// dropped, within bounds, because closing over unread bytes would reset the connection.
asio::awaitable<void> Connection::linger() {
  if (aborted_) co_return;
  error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  if (ec || !broken_) co_return;
  constexpr std::size_t kMost = 16 << 20;
  std::size_t dropped = 0;
  buffer_.clear();
  expires_in(seconds(2));
  while (dropped < kMost) {
    const std::size_t read = co_await socket_.async_read_some(buffer_.prepare(64 << 10),
                                                              redirect_error(use_awaitable, ec));
    if (ec) co_return;
    dropped += read;
  }
}

}  // namespace millrace::http
