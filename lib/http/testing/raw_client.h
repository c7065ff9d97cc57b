// RawClient: a blocking socket for tests of servers, which sends exactly the bytes it is given and
// so can be as wrong as a client can be. A read that waits for ten seconds ends the program: no
// test hangs, and none takes silence for an end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::http {

struct RawResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // chunks joined
  // The body came whole: by length, by last chunk, or by the connection's end where neither is
  // given.
  bool complete = false;
};

class RawClient {
 public:
  // To 127.0.0.1. `receive_buffer` above 0 makes a reader that falls behind soon.
  explicit RawClient(std::uint16_t port, int receive_buffer = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the other side has closed.
  bool send(std::string_view bytes);
  // Nothing more will be sent, but answers are read: a half-closed socket.
  void shutdown_send();
  // The next response; nothing when the connection ended before its first byte. `head_only`: to
  // HEAD.
  std::optional<RawResponse> read(bool head_only = false);
  // Only the header of the next response: its body is read by read_until.
  std::optional<RawResponse> read_head();
  // Raw bytes up to and with `needle`; what came when it never does.
  std::string read_until(std::string_view needle);
  // Whether the connection ends, by FIN or RST, without a further byte.
  bool ended();

 private:
  bool fill();
  std::string take(std::size_t count);

  int socket_ = -1;
  std::string buffer_;
};

// "GET /x HTTP/1.1" with a Host header, `headers` ("A: b\r\n" each) and a body with its length.
std::string raw_request(std::string_view method, std::string_view target,
                        std::string_view headers = {}, std::string_view body = {});
// One request on a connection of its own.
RawResponse fetch(std::uint16_t port, std::string_view method, std::string_view target,
                  std::string_view headers = {}, std::string_view body = {});

}  // namespace millrace::http
