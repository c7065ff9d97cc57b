#include "scheduler/dispatch/session.h"

#include <utility>

#include "scheduler/dispatch/convert.h"

namespace millrace::scheduler {
namespace {

constexpr std::uint32_t kProtocol = 1;

Received only(Input input) { return {std::move(input), {}}; }

}  // namespace

Result<Received> WorkerSession::receive(const worker::v1alpha1::WorkerMessage& message) {
  using worker::v1alpha1::WorkerMessage;
  const auto kind = message.message_case();
  if (worker_.is_nil() != (kind == WorkerMessage::kHello))
    return Error{ErrorClass::kInfrastructure, "protocol.hello_expected",
                 "a stream begins with one hello and has no other"};
  switch (kind) {
    case WorkerMessage::kHello:
      return on_hello(message.hello());
    case WorkerMessage::kHeartbeat:
      return on_heartbeat(message.heartbeat());
    case WorkerMessage::kFilePage:
      return on_page(message.file_page());
    case WorkerMessage::kSucceeded:
      return on_succeeded(message.succeeded());
    case WorkerMessage::kFailed:
      return on_failed(message.failed());
    case WorkerMessage::MESSAGE_NOT_SET:
      break;  // of a newer worker
  }
  return Received{};
}

Result<Received> WorkerSession::on_hello(const worker::v1alpha1::Hello& hello) {
  if (hello.protocol() != kProtocol)
    return Error{ErrorClass::kInfrastructure, "protocol.unsupported",
                 "worker \"" + hello.worker_name() + "\" speaks protocol " +
                     std::to_string(hello.protocol()) + ", this scheduler " +
                     std::to_string(kProtocol),
                 "run neighbouring versions of both"};
  MILLRACE_TRY(joined, from_proto(hello));
  worker_ = joined.worker;
  return only(std::move(joined));
}

Result<Received> WorkerSession::on_heartbeat(const worker::v1alpha1::Heartbeat& heartbeat) {
  MILLRACE_TRY(input, from_proto(heartbeat, worker_));
  Received received;
  received.progress.emplace();
  for (int i = 0; i < heartbeat.attempts_size(); ++i) {
    const auto& status = heartbeat.attempts(i);
    received.progress->push_back({input.attempts[static_cast<std::size_t>(i)],
                                  from_proto(status.usage()), status.progress().fraction(),
                                  status.progress().rows(), Bytes(status.progress().bytes()),
                                  status.started()});
  }
  received.input = std::move(input);
  return received;
}

Result<Received> WorkerSession::on_page(const worker::v1alpha1::FilePage& page) {
  MILLRACE_TRY(attempt, from_proto(page.attempt()));
  MILLRACE_TRY(rows, from_proto(page.page()));
  pages_.add(attempt, std::move(rows));
  return Received{};
}

Result<Received> WorkerSession::on_succeeded(const worker::v1alpha1::AttemptSucceeded& succeeded) {
  MILLRACE_TRY(attempt, from_proto(succeeded.attempt()));
  const auto& success = succeeded.success();
  auto rows = pages_.take(attempt, success.file_count(), success.files_checksum());
  if (!rows.ok()) return only(failed(rows.error(), succeeded.usage(), worker_, attempt));
  auto input = from_proto(success, succeeded.usage(), worker_, attempt, std::move(rows).value());
  if (!input.ok()) return only(failed(input.error(), succeeded.usage(), worker_, attempt));
  return only(std::move(input).value());
}

Result<Received> WorkerSession::on_failed(const worker::v1alpha1::AttemptFailed& failed) {
  MILLRACE_TRY(attempt, from_proto(failed.attempt()));
  pages_.forget(attempt);
  return only(from_proto(failed.failure(), failed.usage(), worker_, attempt));
}

}  // namespace millrace::scheduler
