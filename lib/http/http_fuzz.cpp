// libFuzzer: any bytes as a request's target, as an escaped text, and as a list of entity tags.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "lib/http/conditions.h"
#include "lib/http/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace::http;  // NOLINT(google-build-using-namespace): a program of one file
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_target(text);
  (void)percent_decode(text);
  // Nothing: control characters are refused, escaped or not.
  const auto again = percent_decode(percent_encode(text));
  MILLRACE_CHECK(!again.has_value() || *again == text, "what is escaped is read differently");
  Headers headers;
  headers.add("If-Match", std::string(text));
  headers.add("If-None-Match", std::string(text));
  (void)names_versions(headers);
  (void)if_match_holds(headers, "\"1\"");
  (void)if_none_match_holds(headers, "\"1\"");
  return 0;
}
