#include "lib/http/server.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <thread>
#include <vector>

#include "lib/http/connection.h"
#include "lib/http/problem.h"

namespace millrace::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// What a client beyond the limit is told.
const std::string& full_text() {
  static const std::string text = [] {
    const std::string body = to_json(Problem{.status = 503,
                                             .code = "http.full",
                                             .title = "Too many connections",
                                             .detail = "the server is at its limit",
                                             .error_class = "Transient"}) +
                             "\n";
    return "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
           "Content-Type: application/problem+json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }();
  return text;
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions options, Router router)
      : shared(std::make_shared<Shared>(std::move(options), std::move(router))),
        acceptor(shared->io),
        deadline(shared->io) {}

  Status listen() {
    const std::string& address = shared->options.address;
    const std::string place = address + ":" + std::to_string(shared->options.port);
    error_code ec;
    const auto ip = asio::ip::make_address(address, ec);
    if (ec)
      return Error{ErrorClass::kUser, "http.address_invalid",
                   "\"" + address + "\" is no IP address"}
          .hint_at("give an address of this machine, 127.0.0.1 for example");
    const tcp::endpoint endpoint(ip, shared->options.port);
    acceptor.open(endpoint.protocol(), ec);
    if (ec) return failed(place, ec);
    acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (ec) return failed(place, ec);
    acceptor.bind(endpoint, ec);
    if (ec == asio::error::address_in_use)
      return Error{ErrorClass::kUser, "http.address_in_use",
                   place + " is in use by another process"}
          .hint_at("end it, or choose another port");
    if (ec) return failed(place, ec);
    acceptor.listen(tcp::acceptor::max_listen_connections, ec);
    if (ec) return failed(place, ec);
    port = acceptor.local_endpoint(ec).port();
    return ok_status();
  }

  static Error failed(const std::string& place, const error_code& ec) {
    return {ErrorClass::kInfrastructure, "http.listen_failed",
            "can't listen on " + place + ": " + ec.message(), "", ""};
  }

  void accept() {
    acceptor.async_accept([this](error_code ec, tcp::socket socket) {
      if (shared->stopping || ec == asio::error::operation_aborted) return;
      if (ec) {
        // Out of descriptors, mostly: wait for some to come free instead of spinning.
        deadline.expires_after(std::chrono::milliseconds(50));
        deadline.async_wait([this](error_code waited) {
          if (!waited && !shared->stopping) accept();
        });
        return;
      }
      if (shared->connections.size() < shared->options.max_connections) {
        serve(shared, std::move(socket));
      } else {
        refuse(std::move(socket));
      }
      accept();
    });
  }

  // One write without waiting: a client that can't take it at once sees the connection closed.
  static void refuse(tcp::socket socket) {
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(full_text()), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  void wind_down(Micros grace) {
    shared->stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    // A connection may end while it is told, so walk over a copy.
    const std::vector<Connection*> all(shared->connections.begin(), shared->connections.end());
    for (Connection* connection : all)
      if (shared->connections.contains(connection)) http::wind_down(*connection);
    deadline.expires_after(std::chrono::microseconds(grace.value()));
    deadline.async_wait([this](error_code ec) {
      if (ec) return;
      const std::vector<Connection*> left(shared->connections.begin(), shared->connections.end());
      for (Connection* connection : left)
        if (shared->connections.contains(connection)) http::abort(*connection);
    });
    // Don't sit out the grace once everybody has gone.
    shared->on_empty = [this] { deadline.cancel(); };
    if (shared->connections.empty()) shared->on_empty();
  }

  std::shared_ptr<Shared> shared;
  tcp::acceptor acceptor;
  asio::steady_timer deadline;
  std::uint16_t port = 0;
  std::thread thread;
};

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Router router) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(router));
  MILLRACE_RETURN_IF_ERROR(impl->listen());
  impl->accept();
  impl->thread = std::thread([io = impl->shared] { io->io.run(); });
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { stop(Micros(0)); }

std::uint16_t Server::port() const { return impl_->port; }

void Server::stop(Micros grace) {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->shared->io, [impl = impl_.get(), grace] { impl->wind_down(grace); });
  impl_->thread.join();
}

}  // namespace millrace::http
