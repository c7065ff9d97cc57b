// libFuzzer: any bytes as a stream of events, the same wherever it is cut, and as the body of an
// error.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "lib/client/event_stream.h"
#include "lib/client/problem.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace::client;  // NOLINT(google-build-using-namespace): a program of one file
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = EventParser().feed(text);
  EventParser parser;
  std::vector<ServerEvent> events;
  for (const char& byte : text) {
    auto more = parser.feed({&byte, 1});
    MILLRACE_CHECK(more.ok() || !whole.ok(), "a stream fails where it is cut");
    if (!more.ok()) return 0;
    for (ServerEvent& event : *more) events.push_back(std::move(event));
  }
  MILLRACE_CHECK(whole.ok() && *whole == events, "events depend on where the stream is cut");
  const Problem problem = parse_problem(422, text);
  MILLRACE_CHECK(!problem.detail.empty() || !problem.title.empty() || !problem.defects.empty(),
                 "a problem without words");
  return 0;
}
