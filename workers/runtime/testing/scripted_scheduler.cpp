#include "workers/runtime/testing/scripted_scheduler.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "millrace/worker/v1alpha1/worker.grpc.pb.h"
#include "workers/runtime/types.h"

namespace millrace::runtime {

using worker::v1alpha1::SchedulerMessage;
using worker::v1alpha1::WorkerMessage;

namespace {
constexpr Micros kHeartbeatInterval = milliseconds(100);  // tests wait for what heartbeats say
}  // namespace

struct ScriptedScheduler::Impl final : worker::v1alpha1::Dispatch::Service {
  using Stream = grpc::ServerReaderWriter<SchedulerMessage, WorkerMessage>;

  bool known(const grpc::ServerContext& context) const {
    const auto it = context.client_metadata().find("authorization");
    return it != context.client_metadata().end() &&
           std::string(it->second.data(), it->second.size()) == "Bearer " + token;
  }

  grpc::Status Connect(grpc::ServerContext* context, Stream* opened) override {
    if (!known(*context)) return {grpc::StatusCode::UNAUTHENTICATED, "wrong token"};
    WorkerMessage message;
    while (opened->Read(&message)) {
      const std::scoped_lock lock(mutex);
      if (refusing_results && (message.has_succeeded() || message.has_failed())) {
        stream = nullptr;
        return {grpc::StatusCode::INTERNAL, "no message"};
      }
      if (message.has_hello()) {
        stream = opened;
        SchedulerMessage answer;
        answer.mutable_welcome()->set_version("test");
        answer.mutable_welcome()->set_protocol(1);
        answer.mutable_welcome()->set_lease_us(lease.value());
        answer.mutable_welcome()->set_heartbeat_interval_us(kHeartbeatInterval.value());
        stream->Write(answer);
        renew(message.hello().sent_monotonic_us(), message.hello().attempts());
      }
      if (message.has_heartbeat()) {
        std::vector<task::v1alpha1::AttemptRef> attempts;
        for (const auto& status : message.heartbeat().attempts())
          attempts.push_back(status.attempt());
        renew(message.heartbeat().sent_monotonic_us(), attempts);
      }
      received.push_back(message);
      changed.notify_all();
    }
    const std::scoped_lock lock(mutex);
    if (stream == opened) stream = nullptr;
    return grpc::Status::OK;
  }

  grpc::Status Describe(grpc::ServerContext* context,
                        const worker::v1alpha1::DescribeRequest* request,
                        grpc::ServerWriter<task::v1alpha1::Description>* writer) override {
    if (!known(*context)) return {grpc::StatusCode::UNAUTHENTICATED, "wrong token"};
    const std::scoped_lock lock(mutex);
    const auto it = bodies.find(request->attempt().epoch());
    if (it == bodies.end()) return {grpc::StatusCode::FAILED_PRECONDITION, "lease.fenced"};
    // In two pages: the runner puts them together.
    const std::string& body = it->second;
    for (const auto& part : {body.substr(0, body.size() / 2), body.substr(body.size() / 2)}) {
      task::v1alpha1::Description page;
      *page.mutable_attempt() = request->attempt();
      page.set_body_json(part);
      writer->Write(page);
    }
    return grpc::Status::OK;
  }

  void renew(std::int64_t sent, const auto& attempts) {
    last_sent = sent;
    if (silent) return;
    SchedulerMessage message;
    auto& ack = *message.mutable_heartbeat_ack();
    ack.set_sent_monotonic_us(sent);
    ack.set_lease_us(lease.value());
    for (const auto& attempt : attempts)
      *(fenced.contains(attempt.epoch()) ? ack.add_fenced() : ack.add_renewed()) = attempt;
    stream->Write(message);
  }

  std::string token;
  Micros lease;
  std::mutex mutex;
  std::condition_variable changed;
  Stream* stream = nullptr;
  std::deque<WorkerMessage> received;
  std::map<std::uint64_t, std::string> bodies;
  std::set<std::uint64_t> fenced;
  std::int64_t last_sent = 0;
  bool silent = false;
  bool refusing_results = false;
  std::unique_ptr<grpc::Server> server;
};

ScriptedScheduler::ScriptedScheduler(const std::string& socket_path, std::string token,
                                     Micros lease)
    : impl_(std::make_unique<Impl>()) {
  impl_->token = std::move(token);
  impl_->lease = lease;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket_path, grpc::InsecureServerCredentials());
  builder.RegisterService(impl_.get());
  impl_->server = builder.BuildAndStart();
}

ScriptedScheduler::~ScriptedScheduler() {
  impl_->server->Shutdown(std::chrono::system_clock::now());
  impl_->server.reset();
}

WorkerMessage ScriptedScheduler::await(const std::function<bool(const WorkerMessage&)>& wanted) {
  std::unique_lock lock(impl_->mutex);
  WorkerMessage message;
  const bool found = impl_->changed.wait_for(lock, std::chrono::seconds(30), [&] {
    for (; !impl_->received.empty(); impl_->received.pop_front()) {
      if (!wanted(impl_->received.front())) continue;
      message = std::move(impl_->received.front());
      impl_->received.pop_front();
      return true;
    }
    return false;
  });
  EXPECT_TRUE(found) << "the worker did not send what was awaited";
  return message;
}

WorkerMessage ScriptedScheduler::await_hello() {
  return await([](const WorkerMessage& message) { return message.has_hello(); });
}

WorkerMessage ScriptedScheduler::await_result(std::uint64_t epoch) {
  return await([&](const WorkerMessage& message) {
    return (message.has_succeeded() && message.succeeded().attempt().epoch() == epoch) ||
           (message.has_failed() && message.failed().attempt().epoch() == epoch);
  });
}

WorkerMessage ScriptedScheduler::await_heartbeat(
    const std::function<bool(const worker::v1alpha1::Heartbeat&)>& wanted) {
  return await([&](const WorkerMessage& message) {
    return message.has_heartbeat() && wanted(message.heartbeat());
  });
}

std::size_t ScriptedScheduler::count(const std::function<bool(const WorkerMessage&)>& wanted) {
  const std::scoped_lock lock(impl_->mutex);
  return static_cast<std::size_t>(
      std::count_if(impl_->received.begin(), impl_->received.end(), wanted));
}

void ScriptedScheduler::send(const SchedulerMessage& message) {
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->stream != nullptr) impl_->stream->Write(message);
}

task::v1alpha1::AttemptRef ScriptedScheduler::ref(std::uint64_t epoch) {
  task::v1alpha1::AttemptRef ref;
  ref.set_run_id(std::string(15, '\0') + "\x07");
  ref.set_task_index(2);
  ref.set_attempt(1);
  ref.set_epoch(epoch);
  return ref;
}

void ScriptedScheduler::start(std::uint64_t epoch, const std::string& body, const std::string& ns,
                              std::int64_t memory_bytes) {
  SchedulerMessage message;
  auto& start = *message.mutable_start();
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->bodies[epoch] = body;
    start.set_lease_from_monotonic_us(impl_->last_sent);
  }
  *start.mutable_attempt() = ref(epoch);
  start.mutable_grant()->set_memory_bytes(memory_bytes);
  start.set_lease_us(impl_->lease.value());
  start.set_kind("test");
  start.set_namespace_(ns);
  send(message);
}

void ScriptedScheduler::start_described(std::uint64_t epoch, const std::string& body) {
  SchedulerMessage message;
  auto& start = *message.mutable_start();
  {
    const std::scoped_lock lock(impl_->mutex);
    start.set_lease_from_monotonic_us(impl_->last_sent);
  }
  *start.mutable_attempt() = ref(epoch);
  start.set_lease_us(impl_->lease.value());
  start.set_kind("test");
  start.set_namespace_("default");
  *start.mutable_description()->mutable_attempt() = ref(epoch);
  start.mutable_description()->set_body_json(body);
  send(message);
}

void ScriptedScheduler::acknowledge(std::uint64_t epoch) {
  SchedulerMessage message;
  *message.mutable_result_ack()->mutable_attempt() = ref(epoch);
  message.mutable_result_ack()->set_accepted(true);
  send(message);
}

void ScriptedScheduler::cancel(std::uint64_t epoch, Micros grace) {
  SchedulerMessage message;
  *message.mutable_cancel()->mutable_attempt() = ref(epoch);
  message.mutable_cancel()->set_reason("a test");
  message.mutable_cancel()->set_grace_us(grace.value());
  send(message);
}

void ScriptedScheduler::fence(std::uint64_t epoch) {
  const std::scoped_lock lock(impl_->mutex);
  impl_->fenced.insert(epoch);
}

void ScriptedScheduler::set_silent(bool silent) {
  const std::scoped_lock lock(impl_->mutex);
  impl_->silent = silent;
}

void ScriptedScheduler::set_refusing_results(bool refusing) {
  const std::scoped_lock lock(impl_->mutex);
  impl_->refusing_results = refusing;
}

}  // namespace millrace::runtime
