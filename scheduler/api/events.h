// Streams of events for lists: ?watch=true. Inside scheduler/api only.
#pragma once

#include "scheduler/api/context.h"

namespace millrace::api {

// Answers with a stream of what `interest` is about, from the position that the request names
// (`after`, Last-Event-ID) or from now. On the pool.
Status watch_list(Context& context, const http::Request& request, const http::Responder& responder,
                  Interest interest);

}  // namespace millrace::api
