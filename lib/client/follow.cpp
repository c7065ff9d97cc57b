#include <algorithm>
#include <thread>

#include "lib/client/client.h"
#include "lib/client/pauses.h"

namespace millrace::client {
namespace {

Problem timed_out() {
  Problem problem;
  problem.code = "client.timeout";
  problem.detail = "the time allowed is over";
  return problem;
}

}  // namespace

std::optional<Problem> follow(const Client& client, Follow follow) {
  Pauses pauses;
  bool lost = false;
  while (true) {
    if (SteadyTime::clock::now() >= follow.deadline) return timed_out();
    Call call{.path = follow.path, .accept = "text/event-stream", .deadline = follow.deadline};
    if (!follow.after.empty()) call.query.emplace_back("after", follow.after);
    EventParser parser;
    bool enough = false;
    std::optional<Error> invalid;
    const Answer answer = client.stream(call, [&](std::string_view piece) {
      if (lost && follow.on_connection) follow.on_connection("");
      lost = false;
      pauses.reset();
      const auto events = parser.feed(piece);
      if (!events.ok()) {
        invalid = events.error();
        return false;
      }
      for (const ServerEvent& event : *events) {
        if (!event.id.empty()) follow.after = event.id;
        enough = !follow.on_event(event);
        if (enough) return false;
      }
      return true;
    });
    if (enough) return std::nullopt;
    if (invalid) return problem_of(*invalid);
    if (answer.status == 410 && follow.on_gap) {
      auto after = follow.on_gap();
      if (!after) return std::nullopt;
      follow.after = std::move(*after);
    } else if (!answer.ok() && !may_pass(answer.problem)) {
      return answer.problem;
    }
    // Also a stream that ended well, but before the caller had enough, is asked for again.
    if (!lost && follow.on_connection)
      follow.on_connection(answer.ok() ? "the stream ended" : answer.problem.detail);
    lost = true;
    const auto now = SteadyTime::clock::now();
    if (follow.deadline <= now) return timed_out();
    std::this_thread::sleep_for(
        std::min<SteadyTime::duration>(pauses.next(), follow.deadline - now));
  }
}

}  // namespace millrace::client
