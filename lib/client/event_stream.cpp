#include "lib/client/event_stream.h"

#include <utility>

namespace millrace::client {
namespace {
constexpr std::size_t kMaxEvent = std::size_t{4} << 20;
}

Result<std::vector<ServerEvent>> EventParser::feed(std::string_view bytes) {
  std::vector<ServerEvent> events;
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() + data_.size() > kMaxEvent)
      return Error{ErrorClass::kInfrastructure, "client.invalid_stream", "an event exceeds 4 MiB",
                   ""};
    if (end == std::string_view::npos) break;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    take_line(std::exchange(line_, {}), events);
  }
  return events;
}

void EventParser::take_line(std::string_view line, std::vector<ServerEvent>& out) {
  if (line.empty()) {
    if (has_data_)
      out.push_back({id_, event_.empty() ? "message" : event_, std::exchange(data_, {})});
    has_data_ = false;
    event_.clear();
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);  // empty: a comment, such as a ping
  std::string_view value =
      colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (field == "event") {
    event_ = value;
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    id_ = value;
  }
}

}  // namespace millrace::client
