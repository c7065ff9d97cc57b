#include "lib/sql/parser.h"

#include <signal.h>

#include <cstring>
#include <utility>

#include "lib/sql/analyze.h"
#include "lib/sql/error_place.h"
#include "lib/sql/limits.h"

namespace millrace::sql {
namespace {

using Outcome = Channel::Outcome;

Channel::Deadline after(Micros time) {
  return std::chrono::steady_clock::now() + std::chrono::microseconds(time.value());
}

Error too_slow() {
  return Error{ErrorClass::kUser, "sql.too_slow", "the statement takes too long to be parsed"}
      .hint_at("split it into tasks; keep long lists of values in a dataset and join with it");
}

Error crashed(std::optional<int> signal) {
  return Error{ErrorClass::kUser, "sql.parser_crashed",
               "the statement ended the parser" +
                   (signal ? " (" + std::string(::strsignal(*signal)) + ")" : std::string())}
      .hint_at("write the statement more simply");
}

Error busy() {
  return Error{ErrorClass::kTransient, "sql.busy", "too many statements wait to be parsed"}.hint_at(
      "try again in a moment");
}

// Counts one who waits or works, for as long as it lives.
class Place {
 public:
  explicit Place(std::atomic<int>& places) : places_(places), taken_(places.fetch_add(1)) {}
  ~Place() { places_.fetch_sub(1); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  int before() const { return taken_; }

 private:
  std::atomic<int>& places_;
  int taken_;
};

}  // namespace

std::optional<int> Parser::drop() {
  process_id_.store(0);
  if (!process_.has_value()) return std::nullopt;
  const std::optional<int> signal = process_->end();
  process_.reset();
  return signal;
}

Result<ChildProcess*> Parser::running() {
  if (process_.has_value()) return &*process_;
  MILLRACE_TRY(process, ChildProcess::start(options_.program));
  starts_.fetch_add(1);
  constexpr std::size_t kLongestGreeting = 256;
  std::string greeting;
  const Outcome outcome =
      process.channel().receive(kLongestGreeting, after(options_.start_deadline), greeting);
  if (outcome != Outcome::kOk || greeting != kEngineVersion) {
    return Error{
        ErrorClass::kInfrastructure, "sql.parser_unavailable",
        outcome == Outcome::kOk
            ? "\"" + options_.program + "\" parses for " + greeting + ", not for " + kEngineVersion
            : "\"" + options_.program + "\" ended, or was silent, when it was started"};
  }
  process_id_.store(process.pid());
  return &process_.emplace(std::move(process));
}

// `died` tells that the process had ended by itself, which may be nothing that this text did.
Result<std::string> Parser::ask(std::string_view text, bool& died) {
  died = false;
  MILLRACE_TRY(process, running());
  const Channel::Deadline deadline = after(options_.deadline);
  std::string answer;
  Outcome outcome = process->channel().send(text, deadline);
  if (outcome == Outcome::kOk) {
    outcome = process->channel().receive(kMaxTreeBytes, deadline, answer);
  }
  if (outcome == Outcome::kOk) return answer;
  const std::optional<int> signal = drop();
  if (outcome == Outcome::kTimedOut || signal == SIGPROF) return too_slow();
  died = true;
  return crashed(signal);
}

Result<std::string> Parser::tree(std::string_view text) {
  MILLRACE_RETURN_IF_ERROR(check_text(text));
  const Place place(callers_);
  if (place.before() > options_.max_waiting) return busy();
  const std::lock_guard lock(mutex_);
  bool died = false;
  Result<std::string> answer = ask(text, died);
  // Something else may have ended the process (the kernel, for memory; a person; the text before,
  // which filled it): a text is blamed only for what it does to a fresh one.
  if (died) answer = ask(text, died);
  return answer;
}

Result<Statement> Parser::analyze(std::string_view text) {
  MILLRACE_TRY(json, tree(text));
  return analyze_tree(json, text);
}

}  // namespace millrace::sql
