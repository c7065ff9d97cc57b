// FlakyProxy: stands between a client and a server on a unix socket, passes everything on, and now
// and then loses the answer to a COMMIT: the server has it, the client never hears.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace millrace::testing_support {

class FlakyProxy {
 public:
  // `upstream` is the server's socket.
  explicit FlakyProxy(std::filesystem::path upstream);
  ~FlakyProxy();
  FlakyProxy(const FlakyProxy&) = delete;
  FlakyProxy& operator=(const FlakyProxy&) = delete;

  // The folder of its own socket, for `host=` of a connection string.
  const std::string& folder() const { return folder_; }
  // The answers of the next `count` COMMITs are lost, and with each its connection.
  void lose_commits(int count) { to_lose_ = count; }
  int lost() const { return lost_; }

 private:
  void accept_loop();
  void pump(int client);

  const std::filesystem::path upstream_;
  std::string folder_;
  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<int> to_lose_{0};
  std::atomic<int> lost_{0};
  std::vector<std::thread> pumps_;  // the acceptor's until it is joined
  std::thread acceptor_;
};

}  // namespace millrace::testing_support
