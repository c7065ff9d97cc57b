// A server for tests: one connection after the other, each answered with bytes that the test wrote
// down, so that a test decides where an answer is cut. Requests are kept. Linux sockets, 127.0.0.1
// only.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace millrace::client::testing {

class ScriptedServer {
 public:
  // Serves replies[i] to the i-th connection, whole and as it stands, then closes it. An empty
  // reply keeps the connection open and silent until the server ends.
  explicit ScriptedServer(std::vector<std::string> replies);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // Heads of the requests so far, in order.
  std::vector<std::string> requests() const;

 private:
  void serve();
  int listener_ = -1;
  int stop_pipe_[2] = {-1, -1};
  int port_ = 0;
  std::vector<std::string> replies_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// "HTTP/1.1 200 OK" with this body, all of it.
std::string reply(int status, const std::string& content_type, const std::string& body);
// The head of a chunked stream and one chunk per piece; `whole` also ends it properly.
std::string chunked_reply(const std::vector<std::string>& pieces, bool whole);

}  // namespace millrace::client::testing
