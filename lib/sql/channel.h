// Frames over a stream socket: a length as four bytes, little endian, then that many bytes. Every
// call ends by its deadline. Used by the client; millrace-sql reads the same frames without a
// deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace millrace::sql {

class Channel {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  enum class Outcome {
    kOk,
    kTimedOut,  // the deadline passed
    kClosed,    // the other side has ended, or the connection failed
    kTooLong,   // a frame announces more than the reader takes
  };

  Channel() = default;
  explicit Channel(int fd) : fd_(fd) {}  // owns it
  Channel(Channel&& other) noexcept;
  Channel& operator=(Channel&& other) noexcept;
  ~Channel() { close(); }

  Outcome send(std::string_view payload, Deadline deadline);
  // On kOk, `payload` is the frame's content.
  Outcome receive(std::size_t max_bytes, Deadline deadline, std::string& payload);
  void close();

 private:
  Outcome send_bytes(std::string_view bytes, Deadline deadline);
  Outcome receive_bytes(char* into, std::size_t size, Deadline deadline);
  Outcome wait(short events, Deadline deadline) const;

  int fd_ = -1;
};

}  // namespace millrace::sql
