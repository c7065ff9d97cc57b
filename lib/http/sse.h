// Server-sent events: the text format of one event
// (https://html.spec.whatwg.org/#server-sent-events).
#pragma once

#include <string>
#include <string_view>

namespace millrace::http {

inline constexpr std::string_view kEventStream = "text/event-stream";
// A comment: keeps the connection awake and is no event.
inline constexpr std::string_view kPing = ": ping\n\n";

// `id` and `event` may be empty and are then left out; without an id the client's Last-Event-ID
// stays. Data of several lines becomes several data fields, as the format wants. id and event must
// not hold line breaks (they are our own); such characters are dropped.
std::string sse_frame(std::string_view id, std::string_view event, std::string_view data);

}  // namespace millrace::http
