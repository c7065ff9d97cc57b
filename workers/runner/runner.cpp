#include "workers/runner/runner.h"

#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/failpoint.h"
#include "workers/runner/description.h"
#include "workers/runner/memory_bound.h"

namespace millrace::runner {
namespace {

using v1alpha1::FromRunner;
using v1alpha1::ToRunner;

constexpr int kProgressMilliseconds = 250;
constexpr std::string_view kVersion = "0.1.0";

// Memory that is this process's alone, which is what another one like it would cost.
std::int64_t unshared_memory() {
  std::ifstream file("/proc/self/smaps_rollup");
  std::int64_t kilobytes = 0;
  for (std::string word; file >> word;) {
    std::int64_t value = 0;
    if (word.starts_with("Private_") && file >> value) kilobytes += value;
  }
  return kilobytes << 10;
}

Error protocol_error(const std::string& message) {
  return Error{ErrorClass::kInfrastructure, "runner.protocol", message};
}

}  // namespace

Error Runner::serve() {
  Result<std::unique_ptr<kernel::QueryEngine>> engine = kernel::open_query_engine();
  if (!engine.ok()) return std::move(engine).error();
  engine_ = *std::move(engine);
  worker_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  FromRunner ready;
  ready.mutable_ready()->set_version(std::string(kVersion));
  ready.mutable_ready()->set_pid(::getpid());
  ready.mutable_ready()->set_idle_memory_bytes(unshared_memory());
  send(ready);
  for (;;) {
    pollfd wanted{channel_.descriptor(), POLLIN, 0};
    const int count = ::poll(&wanted, 1, busy() ? kProgressMilliseconds : -1);
    report_progress();
    if (count <= 0) continue;
    const Result<bool> more = channel_.receive();
    if (!more.ok()) return more.error();
    if (!*more) lease_.end_process(EXIT_SUCCESS);
    for (;;) {
      const Result<std::optional<ToRunner>> next = channel_.next();
      if (!next.ok()) return next.error();
      const std::optional<ToRunner>& message = *next;
      if (!message.has_value()) break;
      if (Status status = handle(*message); !status.ok()) return std::move(status).error();
    }
  }
}

Status Runner::handle(const ToRunner& message) {
  switch (message.message_case()) {
    case ToRunner::kAssign:
      return begin(message.assign());
    case ToRunner::kMore: {
      v1alpha1::Assign assign;
      {
        const std::lock_guard lock(mutex_);
        if (!growing_.has_value()) return protocol_error("a further chunk, and nothing assigned");
        append_chunk(*growing_->mutable_description(), message.more().description());
        growing_->set_more(message.more().more());
        assign = *std::move(growing_);
        growing_.reset();
      }
      return begin(std::move(assign));
    }
    case ToRunner::kRenew: {
      const std::lock_guard lock(mutex_);
      if (attempt_ != nullptr && attempt_->epoch == message.renew().epoch())
        lease_.hold(Monotonic(message.renew().lease_deadline_monotonic_us()));
      return ok_status();
    }
    case ToRunner::kCancel: {
      std::shared_ptr<Attempt> attempt;
      {
        const std::lock_guard lock(mutex_);
        attempt = attempt_;
      }
      // Outside of the lock: the engine hears of it inside this call.
      if (attempt != nullptr && attempt->epoch == message.cancel().epoch())
        attempt->stop.request_stop();
      return ok_status();
    }
    case ToRunner::MESSAGE_NOT_SET:
      return ok_status();  // of a newer worker
  }
  return ok_status();
}

// The lease runs from the first chunk on; the work begins with the last.
Status Runner::begin(v1alpha1::Assign assign) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t epoch = assign.description().attempt().epoch();
  if (attempt_ != nullptr && attempt_->epoch != epoch)
    return protocol_error("a second attempt before the end of the first");
  if (attempt_ == nullptr) {
    attempt_ = std::make_shared<Attempt>();
    attempt_->epoch = epoch;
    last_progress_.clear();
    lease_.hold(Monotonic(assign.lease_deadline_monotonic_us()));
  }
  if (assign.more()) {
    growing_ = std::move(assign);
  } else {
    next_ = std::move(assign);
    arrived_.notify_one();
  }
  return ok_status();
}

bool Runner::busy() {
  const std::lock_guard lock(mutex_);
  return attempt_ != nullptr;
}

void Runner::report_progress() {
  FromRunner message;
  {
    const std::lock_guard lock(mutex_);
    if (attempt_ == nullptr) return;
    const kernel::Activity& activity = attempt_->activity;
    v1alpha1::Progress& progress = *message.mutable_progress();
    progress.set_epoch(attempt_->epoch);
    progress.mutable_progress()->set_fraction(activity.fraction);
    progress.mutable_progress()->set_rows(
        std::max<std::int64_t>(activity.rows_read, activity.rows_written));
    progress.mutable_progress()->set_bytes(
        std::max<std::int64_t>(activity.bytes_read, activity.bytes_written));
    *progress.mutable_usage() = usage_of(activity);
    std::string text = message.SerializeAsString();
    if (text == last_progress_) return;
    last_progress_ = std::move(text);
  }
  send(message);
}

void Runner::work(const std::stop_token& stop) {
  for (;;) {
    v1alpha1::Assign assign;
    std::shared_ptr<Attempt> attempt;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, stop, [&] { return next_.has_value(); });
      if (!next_.has_value()) return;  // told to stop
      assign = *std::move(next_);
      next_.reset();
      attempt = attempt_;
    }
    run(assign, *attempt);
  }
}

void Runner::run(const v1alpha1::Assign& assign, Attempt& attempt) {
  FromRunner started;
  started.mutable_started()->set_epoch(attempt.epoch);
  started.mutable_started()->set_monotonic_us(monotonic_now().value());
  send(started);
  int exit_code = 0;
  Result<SuccessMessages> result = execute(assign, attempt, exit_code);
  {
    // Once it knows the result, the worker may assign the next one.
    const std::lock_guard lock(mutex_);
    attempt_.reset();
    lease_.release();
  }
  MILLRACE_FAILPOINT("runner.before_result");
  const bool succeeded = result.ok();
  if (succeeded) {
    send_success(*std::move(result), attempt);
  } else {
    FromRunner failed;
    failed.mutable_failed()->set_epoch(attempt.epoch);
    *failed.mutable_failed()->mutable_failure() = failure_of(result.error(), exit_code);
    *failed.mutable_failed()->mutable_usage() = usage_of(attempt.activity);
    send(failed);
  }
  MILLRACE_FAILPOINT("runner.after_result");
  // Nothing of this attempt is left when the next one comes, and the engine is open ahead of need.
  engine_.reset();
  ::malloc_trim(0);
  if (!succeeded) return;  // the worker replaces a runner after a failure
  if (Result<std::unique_ptr<kernel::QueryEngine>> engine = kernel::open_query_engine();
      engine.ok())
    engine_ = *std::move(engine);
}

Result<SuccessMessages> Runner::execute(const v1alpha1::Assign& assign, Attempt& attempt,
                                        int& exit_code) {
  MILLRACE_TRY(request, request_from(assign));
  if (engine_ == nullptr) {
    MILLRACE_TRY(engine, kernel::open_query_engine());
    engine_ = std::move(engine);
  }
  const auto report_group = [&](const tasks::ProcessGroup& group) {
    lease_.set_group(group.id);
    FromRunner message;
    message.mutable_process_group()->set_epoch(attempt.epoch);
    message.mutable_process_group()->set_pgid(group.id);
    message.mutable_process_group()->set_start_time_ticks(group.start_time_ticks);
    send(message);
  };
  tasks::TaskContext context{*engine_, attempt.stop.get_token(), attempt.activity, report_group, 0};
  // A command is not bound by it: it would inherit the limit, and it is not the engine's.
  std::optional<MemoryBound> bound;
  if (request.rows || std::holds_alternative<manifest::QueryTask>(request.task.kind))
    bound.emplace(request.memory);
  Result<tasks::TaskSuccess> result = tasks::run_task(request, context);
  exit_code = context.exit_code;
  if (!result.ok()) return std::move(result).error();
  Result<SuccessMessages> messages = messages_of(*result);
  if (!messages.ok()) tasks::discard_files(request);
  return messages;
}

void Runner::send_success(SuccessMessages messages, const Attempt& attempt) {
  for (auto& page : messages.pages) {
    FromRunner message;
    message.mutable_file_page()->set_epoch(attempt.epoch);
    *message.mutable_file_page()->mutable_page() = std::move(page);
    send(message);
  }
  FromRunner message;
  message.mutable_succeeded()->set_epoch(attempt.epoch);
  *message.mutable_succeeded()->mutable_success() = std::move(messages.success);
  *message.mutable_succeeded()->mutable_usage() = usage_of(attempt.activity);
  send(message);
}

// A worker that is gone is seen by the reading thread as well; whoever sees it first ends the
// process.
void Runner::send(const FromRunner& message) {
  const Status sent = channel_.send(message);
  if (sent.ok()) return;
  // What can grow is bounded where it is made; an end without a word would be taken for a crash.
  MILLRACE_CHECK(sent.error().code == "runner.channel", "a message to the worker is too large");
  lease_.end_process(EXIT_SUCCESS);
}

}  // namespace millrace::runner
