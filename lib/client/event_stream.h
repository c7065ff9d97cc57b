// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): bytes, cut
// anywhere, to events. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::client {

struct ServerEvent {
  std::string id;     // the stream's last id so far; empty before the first
  std::string event;  // "message" where the server names none
  std::string data;   // lines joined with '\n'
  friend bool operator==(const ServerEvent&, const ServerEvent&) = default;
};

// Not thread-safe. One parser serves one connection.
class EventParser {
 public:
  // Takes the next bytes; returns the events that they complete, in order. Error:
  // client.invalid_stream when an event exceeds 4 MiB.
  Result<std::vector<ServerEvent>> feed(std::string_view bytes);

 private:
  void take_line(std::string_view line, std::vector<ServerEvent>& out);

  std::string line_;
  bool after_cr_ = false;  // a '\n' that follows belongs to the same line end
  std::string id_;
  std::string event_;
  std::string data_;
  bool has_data_ = false;
};

}  // namespace millrace::client
