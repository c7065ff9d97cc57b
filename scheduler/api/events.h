// Streams of events for lists: ?watch=true. Inside scheduler/api only.
#pragma once

#include <optional>

#include "scheduler/api/context.h"
#include "scheduler/engine/reads.h"

namespace millrace::api {

// The position that the client knows; nothing when it names none. Last-Event-ID counts more than
// `after`, because a browser keeps the URL when it reconnects. Error: request.invalid.
Result<std::optional<EventId>> position_of(const http::Request& request);

// Answers with a stream of what `interest` is about, from the position that the request names
// (`after`, Last-Event-ID) or from now. On the pool.
Status watch_list(Context& context, const http::Request& request, const http::Responder& responder,
                  Interest interest);

}  // namespace millrace::api
