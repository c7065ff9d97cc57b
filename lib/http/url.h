// URLs of requests: percent decoding, paths and queries (RFC 3986).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/http/message.h"

namespace millrace::http {

// Nothing when an escape is cut short or no hexadecimal, or when a control character (0x00-0x1F,
// 0x7F) is or comes out. `plus_is_space` as forms have it.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
// Escapes all but unreserved characters.
std::string percent_encode(std::string_view text);

struct Target {
  std::string path;  // as sent, not decoded: "/" separates before escapes are read
  Parameters query;
};
// A request target in origin form, "/v1/runs?limit=5", or in absolute form, as to a proxy:
// "http://host:8080/v1/runs", whose authority is passed over. Nothing when it is no such thing or
// badly escaped.
std::optional<Target> parse_target(std::string_view target);

}  // namespace millrace::http
