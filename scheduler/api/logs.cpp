// R/logs: what an attempt wrote to its log, as text. With follow=true the response goes on until
// the attempt has ended.
#include <algorithm>

#include "scheduler/api/attempts.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/query.h"

namespace millrace::api {
namespace {

constexpr std::size_t kPiece = 256 << 10;
constexpr std::int64_t kMostAtOnce = 1 << 20;
constexpr std::int64_t kMaxOffset = std::int64_t{1} << 50;

bool says_something(Context& context, const AttemptRecord& attempt) {
  if (attempt.phase != scheduler::Phase::kPublish) return true;
  const auto log = context.ports.logs.read(attempt.ref, 0, 1);
  return log.ok() || log.error().code != "log.not_found";
}

// Which attempt: the one asked for, or the latest. A publication has a log only when something was
// worth a word: without one, the attempt is meant that staged what it publishes.
Result<scheduler::AttemptRef> attempt_of(Context& context, const FoundAttempts& found,
                                         const http::Request& request) {
  MILLRACE_TRY(number, integer_query(request, "attempt", 1, UINT32_MAX));
  for (auto attempt = found.attempts.rbegin(); attempt != found.attempts.rend(); ++attempt)
    if (number ? attempt->ref.attempt.value() == *number : says_something(context, *attempt))
      return attempt->ref;
  return not_found("log.not_found",
                   number ? "the task has no such attempt" : "the task has not been attempted");
}

struct Piece {
  LogText log;
  bool ended = false;  // nothing will follow
};

// Error log.not_found: the attempt has ended without a word. One at work may yet say something.
Result<Piece> read_piece(Context& context, const scheduler::AttemptRef& attempt,
                         std::int64_t offset, std::size_t limit) {
  // Before the log is read: what its attempt has said by its end is in it then.
  MILLRACE_TRY(at_work, is_at_work(context, attempt));
  Result<LogText> text = context.ports.logs.read(attempt, offset, limit);
  if (text.ok()) {
    const bool ended = !at_work && text->next == text->size;
    return Piece{std::move(text).value(), ended};
  }
  if (text.error().code != "log.not_found" || !at_work) return std::move(text).error();
  return Piece{};
}

// Follows a log: a piece each time the reader has room, a look each second while nothing is new.
class Follow : public std::enable_shared_from_this<Follow> {
 public:
  Follow(Context& context, scheduler::AttemptRef attempt, std::int64_t offset)
      : context_(context), attempt_(attempt), offset_(offset) {}

  std::shared_ptr<http::BodyStream> open() {
    http::BodyStream::Options options;
    options.max_buffered = context_.options.max_stream_buffer;
    options.tick_interval = context_.options.progress_interval;
    options.tick = [self = shared_from_this()] {
      self->look();
      return std::string();
    };
    auto stream = std::make_shared<http::BodyStream>(std::move(options));
    stream_ = stream;
    look();
    return stream;
  }

 private:
  // One look at a time. Any thread.
  void look() {
    if (looking_.exchange(true)) return;
    if (!context_.pool.post([self = shared_from_this()] { self->read(); })) looking_ = false;
  }

  void read() {
    const auto stream = stream_.lock();
    if (stream == nullptr || stream->abandoned()) return;
    const auto piece = read_piece(context_, attempt_, offset_, kPiece);
    if (!piece.ok())
      return piece.error().code == "log.not_found" ? stream->finish() : stream->cut();
    offset_ = std::max(offset_, piece->log.next);
    const bool more = !piece->log.text.empty();
    if (more) stream->write(piece->log.text);
    if (piece->ended) return stream->finish();
    looking_ = false;
    if (more) stream->when_below(kPiece, [self = shared_from_this()] { self->look(); });
  }

  Context& context_;
  const scheduler::AttemptRef attempt_;
  std::int64_t offset_;  // of the one look that is under way
  std::weak_ptr<http::BodyStream> stream_;
  std::atomic<bool> looking_ = false;
};

Status get_log(Context& context, const http::Request& request, const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {"task", "attempt", "offset", "limit", "follow"}));
  MILLRACE_TRY(follow, boolean_query(request, "follow"));
  MILLRACE_TRY(offset, integer_query(request, "offset", 0, kMaxOffset));
  MILLRACE_TRY(limit, integer_query(request, "limit", 1, kMostAtOnce));
  const auto task_name = request.query.get("task");
  if (!task_name)
    return invalid_request("task", "the task whose log is wanted is missing", "add task=NAME");
  MILLRACE_TRY(found, find_attempts(context, request, *task_name));
  MILLRACE_TRY(attempt, attempt_of(context, found, request));
  const std::int64_t from = offset.value_or(0);
  const auto most = static_cast<std::size_t>(follow ? 0 : limit.value_or(kMostAtOnce));
  MILLRACE_TRY(piece, read_piece(context, attempt, from, most));
  http::Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.headers.add("Millrace-Attempt", std::to_string(attempt.attempt.value()));
  if (follow) {
    response.stream = std::make_shared<Follow>(context, attempt, from)->open();
  } else {
    response.body = std::move(piece.log.text);
    response.headers.add("Millrace-Next-Offset", std::to_string(piece.log.next));
    response.headers.add("Millrace-Log-Ended", piece.ended ? "true" : "false");
  }
  responder.send(std::move(response));
  return ok_status();
}

}  // namespace

void add_log_routes(http::Router& router, Context& context) {
  router.add("GET", "/v1/namespaces/{ns}/runs/{run}/logs", starting(context, get_log));
}

}  // namespace millrace::api
