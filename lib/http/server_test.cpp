#include "lib/http/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "lib/http/auth.h"
#include "lib/http/problem.h"
#include "lib/http/sse.h"
#include "lib/http/testing/raw_client.h"

namespace millrace::http {
namespace {

// A server with one route of each sort, and what the tests want to get hold of.
class ServerTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    Router router;
    router.add("GET", "/hello/{name}", [](const Request& request, const Responder& responder) {
      responder.send({.content_type = "text/plain", .body = "hello " + request.parameter("name")});
    });
    router.add("POST", "/echo",
               [](const Request& request, const Responder& responder) {
                 responder.send({.content_type = "text/plain", .body = request.body});
               },
               {.max_body = 1000});
    router.add("GET", "/late", [this](const Request&, const Responder& responder) {
      const std::lock_guard lock(mutex_);
      late_.push_back(responder);
      changed_.notify_all();
    });
    router.add("GET", "/dropped", [](const Request&, const Responder&) {});
    router.add("GET", "/thrown", [](const Request&, const Responder&) {
      throw std::runtime_error("a handler failed");
    });
    router.add("GET", "/stream", [this](const Request&, const Responder& responder) {
      auto stream = std::make_shared<BodyStream>(stream_options_);
      {
        const std::lock_guard lock(mutex_);
        streams_.push_back(stream);
        changed_.notify_all();
      }
      responder.send({.content_type = std::string(kEventStream), .stream = stream});
    });
    router.add("GET", "/open",
               [](const Request&, const Responder& responder) { responder.send({}); },
               {.open = true});
    auto started = Server::start(std::move(options), std::move(router));
    ASSERT_TRUE(started.ok()) << started.error().to_text();
    server_ = std::move(*started);
  }
  void TearDown() override {
    if (server_) server_->stop(seconds(5));
  }

  Responder late() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !late_.empty(); });
    Responder responder = late_.back();
    late_.clear();
    return responder;
  }
  std::shared_ptr<BodyStream> stream() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !streams_.empty(); });
    auto stream = streams_.back();
    streams_.clear();
    return stream;
  }
  std::uint16_t port() const { return server_->port(); }

  BodyStream::Options stream_options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Responder> late_;
  std::vector<std::shared_ptr<BodyStream>> streams_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, answers_and_keeps_the_connection) {
  start();
  RawClient client(port());
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(client.send(raw_request("GET", std::string("/hello/") + name)));
    const auto response = client.read();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, std::string("hello ") + name);
    EXPECT_EQ(response->headers.at("content-type"), "text/plain");
    EXPECT_TRUE(response->headers.contains("date"));
  }
}

TEST_F(ServerTest, answers_pipelined_requests_in_order) {
  start();
  RawClient client(port());
  client.send(raw_request("GET", "/hello/1") + raw_request("POST", "/echo", "", "two") +
              raw_request("GET", "/hello/3"));
  EXPECT_EQ(client.read()->body, "hello 1");
  EXPECT_EQ(client.read()->body, "two");
  EXPECT_EQ(client.read()->body, "hello 3");
}

TEST_F(ServerTest, closes_when_asked_to) {
  start();
  RawClient client(port());
  client.send(raw_request("GET", "/hello/x", "Connection: close\r\n"));
  const auto response = client.read();
  EXPECT_EQ(response->headers.at("connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST_F(ServerTest, old_clients_are_answered_and_closed) {
  start();
  RawClient client(port());
  client.send("GET /hello/x HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.read()->body, "hello x");
  EXPECT_TRUE(client.ended());
}

TEST_F(ServerTest, head_has_the_length_and_no_body) {
  start();
  RawClient client(port());
  client.send(raw_request("HEAD", "/hello/x"));
  const auto response = client.read(true);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.at("content-length"), "7");
  client.send(raw_request("GET", "/hello/x"));
  EXPECT_EQ(client.read()->body, "hello x") << "nothing of a body came before";
}

TEST_F(ServerTest, options_and_wrong_methods_name_what_is_allowed) {
  start();
  const auto options = fetch(port(), "OPTIONS", "/hello/x");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers.at("allow"), "GET, HEAD, OPTIONS");
  for (const char* method : {"DELETE", "PUT", "TRACE", "NONSENSE"}) {
    const auto refused = fetch(port(), method, "/hello/x");
    EXPECT_EQ(refused.status, 405) << method;
    EXPECT_EQ(refused.headers.at("allow"), "GET, HEAD, OPTIONS");
    EXPECT_EQ(refused.headers.at("content-type"), "application/problem+json");
  }
  EXPECT_EQ(fetch(port(), "GET", "/nowhere").status, 404);
}

TEST_F(ServerTest, refuses_what_is_no_request) {
  start();
  struct Case {
    const char* what;
    std::string bytes;
    int status;
  };
  const Case cases[] = {
      {"no http", "hello there\r\n\r\n", 400},
      {"another protocol", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400},
      {"http/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"no host", "GET /hello/x HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET /hello/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"space before colon", "GET /hello/x HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"two lengths",
       "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {"negative length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
      {"huge length",
       "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400},
      {"length and chunks",
       "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"bad chunk",
       "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400},
      {"bad escape", "GET /hello/x?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"absolute target of another scheme", "GET ftp://a/hello/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"absolute target of nobody", "GET http:///hello/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
  };
  for (const Case& c : cases) {
    RawClient client(port());
    client.send(c.bytes);
    const auto response = client.read();
    ASSERT_TRUE(response) << c.what;
    EXPECT_EQ(response->status, c.status) << c.what << ": " << response->body;
    EXPECT_EQ(response->headers.at("content-type"), "application/problem+json") << c.what;
    EXPECT_EQ(response->headers.at("connection"), "close") << c.what;
    client.shutdown_send();
    EXPECT_TRUE(client.ended()) << c.what;
  }
  EXPECT_EQ(fetch(port(), "GET", "/hello/x").status, 200) << "and goes on";
}

// Where a body of an unknown coding ends nobody can tell: what follows must not count as a request,
// which a proxy that reads the coding differently would let anybody slip in.
TEST_F(ServerTest, a_body_that_cannot_be_delimited_is_refused_with_all_that_follows) {
  start();
  struct Case {
    std::string fields;
    int status;
    std::string version = "1.1";
  };
  const Case cases[] = {
      {"Transfer-Encoding: xchunked", 400},
      {"Transfer-Encoding: identity", 400},
      {"Transfer-Encoding: chunked, gzip", 400},
      {"Transfer-Encoding: gzip", 400},
      {"Transfer-Encoding:", 400},
      {"Transfer-Encoding: \"chunked\"", 400},
      {"Transfer-Encoding: xchunked\r\nContent-Length: 5", 400},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: xchunked", 400},
      {"Transfer-Encoding: chunked, chunked", 400},
      {"Transfer-Encoding: chunked", 400, "1.0"},
      {"Transfer-Encoding: gzip, chunked", 501},
      {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", 501},
  };
  for (const Case& c : cases) {
    RawClient client(port());
    client.send("POST /echo HTTP/" + c.version + "\r\nHost: a\r\nConnection: keep-alive\r\n" +
                c.fields + "\r\n\r\n0\r\n\r\nGET /hello/smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto response = client.read();
    ASSERT_TRUE(response) << c.fields;
    EXPECT_EQ(response->status, c.status) << c.fields << ": " << response->body;
    client.shutdown_send();
    EXPECT_TRUE(client.ended()) << c.fields;
  }
  RawClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked \r\n\r\n1\r\na\r\n0\r\n\r\n");
  EXPECT_EQ(client.read()->body, "a");
}

TEST_F(ServerTest, takes_targets_as_proxies_write_them) {
  start();
  for (const char* target :
       {"http://a/hello/x", "HTTP://other:80/hello/x?y=1", "https://a/hello/x"}) {
    RawClient client(port());
    client.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read()->body, "hello x") << target;
  }
  RawClient client(port());
  client.send("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read()->status, 404) << "the root, where nothing is";
}

TEST_F(ServerTest, header_over_the_limit_is_refused) {
  start({.max_header = 2000});
  const std::string big(3000, 'x');
  EXPECT_EQ(fetch(port(), "GET", "/hello/x", "X-Big: " + big + "\r\n").status, 431);
  EXPECT_EQ(fetch(port(), "GET", "/" + big).status, 431);
  EXPECT_EQ(fetch(port(), "GET", "/hello/x", "X-Small: " + std::string(1000, 'x') + "\r\n").status,
            200);
}

TEST_F(ServerTest, body_over_the_limit_is_refused_and_the_refusal_arrives) {
  start();
  EXPECT_EQ(fetch(port(), "POST", "/echo", "", std::string(1000, 'x')).body.size(), 1000u);
  // Known by its length, before it is read; the client sends all the same.
  RawClient told(port());
  told.send(raw_request("POST", "/echo", "", std::string(4 << 20, 'x')));
  const auto refused = told.read();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 413);
  // Known only on the way.
  RawClient chunked(port());
  chunked.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) chunked.send("64\r\n" + std::string(100, 'x') + "\r\n");
  const auto also = chunked.read();
  ASSERT_TRUE(also);
  EXPECT_EQ(also->status, 413);
}

TEST_F(ServerTest, takes_chunked_bodies_and_waits_for_continue) {
  start();
  RawClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.read()->body, "abcde");
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_head()->status, 100);
  client.send("xyz");
  EXPECT_EQ(client.read()->body, "xyz");
}

TEST_F(ServerTest, half_closed_sockets_get_their_answer) {
  start();
  RawClient client(port());
  client.send(raw_request("GET", "/late"));
  client.shutdown_send();
  late().send({.body = "here"});
  EXPECT_EQ(client.read()->body, "here");
  EXPECT_TRUE(client.ended());
  // Closed in the middle of a body.
  RawClient cut(port());
  cut.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  cut.shutdown_send();
  const auto response = cut.read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 400);
}

TEST_F(ServerTest, slow_heads_and_bodies_are_given_up) {
  start({.header_timeout = milliseconds(50), .body_timeout = milliseconds(50)});
  RawClient head(port());
  head.send("GET /hello");
  EXPECT_EQ(head.read()->status, 408);
  RawClient body(port());
  body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(body.read()->status, 408);
}

TEST_F(ServerTest, idle_connections_are_closed_without_a_word) {
  start({.idle_timeout = milliseconds(30)});
  RawClient client(port());
  EXPECT_TRUE(client.ended());
}

TEST_F(ServerTest, slow_handlers_time_out_and_their_answer_is_dropped) {
  start({.handler_timeout = milliseconds(30)});
  RawClient client(port());
  client.send(raw_request("GET", "/late"));
  EXPECT_EQ(client.read()->status, 504);
  late().send({.body = "too late"});
  EXPECT_TRUE(client.ended());
}

TEST_F(ServerTest, handlers_that_fail_are_answered_500) {
  start();
  EXPECT_EQ(fetch(port(), "GET", "/dropped").status, 500);
  EXPECT_EQ(fetch(port(), "GET", "/thrown").status, 500);
}

TEST_F(ServerTest, the_gate_comes_before_anything_is_told) {
  std::atomic<int> asked = 0;
  start({.gate = [&asked](const Request& request) -> std::optional<Response> {
    ++asked;
    if (bearer_matches(request.headers.get("authorization"), "secret")) return std::nullopt;
    return to_response({.status = 401, .code = "auth.required"});
  }});
  EXPECT_EQ(fetch(port(), "GET", "/hello/x").status, 401);
  EXPECT_EQ(fetch(port(), "GET", "/nowhere").status, 401);
  EXPECT_EQ(fetch(port(), "PUT", "/hello/x").status, 401);
  EXPECT_EQ(fetch(port(), "GET", "/hello/x", "Authorization: Bearer secret\r\n").status, 200);
  EXPECT_EQ(fetch(port(), "GET", "/nowhere", "Authorization: Bearer secret\r\n").status, 404);
  const int before = asked;
  EXPECT_EQ(fetch(port(), "GET", "/open").status, 200);
  EXPECT_EQ(asked, before);
  // Refused before the body is read, and the connection does not go on in the middle of it.
  RawClient client(port());
  client.send(raw_request("POST", "/echo", "", "GET /open HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(client.read()->status, 401);
  client.shutdown_send();
  EXPECT_TRUE(client.ended());
}

TEST_F(ServerTest, connections_over_the_limit_are_told_so) {
  start({.max_connections = 2});
  RawClient first(port());
  RawClient second(port());
  first.send(raw_request("GET", "/hello/1"));
  second.send(raw_request("GET", "/hello/2"));
  EXPECT_EQ(first.read()->status, 200);
  EXPECT_EQ(second.read()->status, 200);
  RawClient third(port());
  const auto refused = third.read();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->headers.at("retry-after"), "1");
}

TEST_F(ServerTest, streams_what_is_written_as_it_is_written) {
  start();
  RawClient client(port());
  client.send(raw_request("GET", "/stream"));
  EXPECT_EQ(client.read_head()->headers.at("transfer-encoding"), "chunked");
  const auto written = stream();
  written->write(sse_frame("1.0", "task", "{}"));
  EXPECT_NE(client.read_until("\n\n").find("id: 1.0"), std::string::npos);
  written->write(sse_frame("1.1", "end", "{}"));
  written->finish();
  EXPECT_NE(client.read_until("0\r\n\r\n").find("event: end"), std::string::npos);
  client.send(raw_request("GET", "/hello/x"));
  EXPECT_EQ(client.read()->body, "hello x") << "the connection goes on after a stream's end";
}

TEST_F(ServerTest, streams_to_old_clients_without_chunks) {
  start();
  RawClient client(port());
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  const auto written = stream();
  written->write("abc");
  written->write("def");
  written->finish();
  EXPECT_EQ(client.read()->body, "abcdef");
}

TEST_F(ServerTest, pings_and_ticks) {
  std::atomic<int> ticks = 0;
  stream_options_ = {
      .ping_interval = milliseconds(20),
      .ping = std::string(kPing),
      .tick_interval = milliseconds(20),
      .tick = [&ticks] { return ++ticks == 2 ? std::string("tock") : std::string(); }};
  start();
  RawClient client(port());
  client.send(raw_request("GET", "/stream"));
  client.read_head();
  EXPECT_NE(client.read_until("tock").find("tock"), std::string::npos);
  EXPECT_NE(client.read_until(": ping").find(": ping"), std::string::npos);
  EXPECT_NE(client.read_until(": ping").find(": ping"), std::string::npos);
}

TEST_F(ServerTest, a_reader_that_does_not_read_is_dropped) {
  stream_options_.max_buffered = 256 << 10;
  start();
  RawClient client(port(), 4 << 10);
  client.send(raw_request("GET", "/stream"));
  const auto written = stream();
  std::promise<void> gone;
  written->on_abandoned([&gone] { gone.set_value(); });
  // More than socket buffers and bound can hold together.
  const std::string chunk(64 << 10, 'x');
  int taken = 0;
  while (taken < 4096 && written->write(chunk)) ++taken;
  EXPECT_LT(taken, 4096) << "the bound was never met";
  gone.get_future().wait();
  const auto response = client.read();
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->complete) << "a cut stream must not look like a whole one";
}

TEST_F(ServerTest, a_reader_that_goes_away_is_noticed) {
  stream_options_ = {.ping_interval = milliseconds(5), .ping = std::string(kPing)};
  start();
  std::shared_ptr<BodyStream> written;
  {
    RawClient client(port());
    client.send(raw_request("GET", "/stream"));
    written = stream();
    client.read_head();
  }
  std::promise<void> gone;
  written->on_abandoned([&gone] { gone.set_value(); });
  EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(ServerTest, stop_lets_answers_out_and_ends_the_rest) {
  start();
  RawClient idle(port());
  idle.send(raw_request("GET", "/hello/x"));
  idle.read();
  RawClient streaming(port());
  streaming.send(raw_request("GET", "/stream"));
  streaming.read_head();
  const auto written = stream();
  RawClient waiting(port());
  waiting.send(raw_request("GET", "/late"));
  const Responder answer = late();
  std::thread stopping([this] { server_->stop(seconds(60)); });
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(streaming.ended());
  std::promise<void> gone;
  written->on_abandoned([&gone] { gone.set_value(); });
  gone.get_future().wait();
  answer.send({.body = "still"});
  const auto response = waiting.read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "still");
  EXPECT_EQ(response->headers.at("connection"), "close");
  stopping.join();
}

TEST_F(ServerTest, stop_closes_what_does_not_end_in_time) {
  start();
  RawClient client(port());
  client.send(raw_request("GET", "/late"));
  const Responder kept = late();
  server_->stop(milliseconds(20));
  EXPECT_TRUE(client.ended());
  server_.reset();
  kept.send({.body = "nobody hears"});  // after the server's end: harmless
}

TEST_F(ServerTest, a_handler_hears_that_its_client_has_gone) {
  start();
  auto client = std::make_unique<RawClient>(port());
  client->send(raw_request("GET", "/late"));
  const Responder late = this->late();
  std::promise<void> gone;
  late.when_gone([&gone] { gone.set_value(); });
  client.reset();
  gone.get_future().wait();
  late.send({.body = "nobody hears"});
  EXPECT_EQ(fetch(port(), "GET", "/hello/x").body, "hello x");
}

TEST_F(ServerTest, a_client_that_closed_its_side_counts_as_gone_and_is_answered) {
  start();
  RawClient client(port());
  client.send(raw_request("GET", "/late"));
  const Responder late = this->late();
  client.shutdown_send();
  std::promise<void> gone;
  late.when_gone([&gone] { gone.set_value(); });
  gone.get_future().wait();
  late.send({.content_type = "text/plain", .body = "still"});
  EXPECT_EQ(client.read()->body, "still");
}

TEST_F(ServerTest, a_client_that_sends_on_has_not_gone) {
  start();
  RawClient client(port());
  client.send(raw_request("GET", "/late") + raw_request("GET", "/hello/next"));
  const Responder late = this->late();
  bool gone = false;
  late.when_gone([&gone] { gone = true; });
  late.send({.content_type = "text/plain", .body = "first"});
  EXPECT_EQ(client.read()->body, "first");
  EXPECT_EQ(client.read()->body, "hello next");
  EXPECT_FALSE(gone);
}

TEST_F(ServerTest, tells_of_every_exchange) {
  std::promise<Exchange> seen;
  start({.observe = [&seen](const Exchange& exchange) { seen.set_value(exchange); }});
  fetch(port(), "GET", "/hello/x?a=b");
  const Exchange exchange = seen.get_future().get();
  EXPECT_EQ(exchange.pattern, "/hello/{name}");
  EXPECT_EQ(exchange.path, "/hello/x");
  EXPECT_EQ(exchange.status, 200);
  EXPECT_GT(exchange.duration.value(), 0);
}

TEST_F(ServerTest, an_address_in_use_is_named) {
  start();
  const auto second = Server::start({.port = port()}, Router());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, "http.address_in_use");
  EXPECT_NE(second.error().message.find(std::to_string(port())), std::string::npos);
  EXPECT_EQ(Server::start({.address = "nowhere"}, Router()).error().code, "http.address_invalid");
}

TEST_F(ServerTest, answers_many_clients_at_once) {
  start();
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  clients.reserve(8);
  for (int c = 0; c < 8; ++c)
    clients.emplace_back([&, c] {
      RawClient client(port());
      for (int i = 0; i < 100; ++i) {
        const std::string name = std::to_string(c) + "-" + std::to_string(i);
        client.send(raw_request("GET", "/hello/" + name));
        const auto response = client.read();
        if (response && response->body == "hello " + name) ++right;
      }
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, 800);
}

}  // namespace
}  // namespace millrace::http
