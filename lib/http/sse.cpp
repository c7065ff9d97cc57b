#include "lib/http/sse.h"

namespace millrace::http {
namespace {

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value)
    if (c != '\n' && c != '\r' && c != '\0') out.push_back(c);
  out.push_back('\n');
}

}  // namespace

std::string sse_frame(std::string_view id, std::string_view event, std::string_view data) {
  std::string out;
  out.reserve(id.size() + event.size() + data.size() + 32);
  if (!id.empty()) add_field(out, "id", id);
  if (!event.empty()) add_field(out, "event", event);
  // Readers take \n, \r and \r\n for line ends, so each must begin a field of its own.
  std::size_t start = 0;
  while (true) {
    const auto end = data.find_first_of("\r\n", start);
    add_field(out, "data", data.substr(start, end == std::string_view::npos ? end : end - start));
    if (end == std::string_view::npos) break;
    start = end + (data.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  out.push_back('\n');
  return out;
}

}  // namespace millrace::http
