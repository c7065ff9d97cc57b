// The real server, over a socket, against a client of gRPC's own.
#include "scheduler/dispatch/dispatch.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>

#include "millrace/worker/v1alpha1/worker.grpc.pb.h"

namespace millrace::scheduler {
namespace {

using worker::v1alpha1::SchedulerMessage;
using worker::v1alpha1::WorkerMessage;

const std::string kToken = "a-token-of-enough-characters";
const WorkerId kWorker(RawId{5, 6});
const AttemptRef kAttempt{RunId(RawId{1, 2}), TaskIndex(0), AttemptNumber(1), Epoch(7)};

class RecordingHost final : public DispatchHost {
 public:
  void offer(Input input) override { add(inputs_, std::move(input)); }
  void progress(WorkerId, std::vector<AttemptProgress> attempts) override {
    for (const AttemptProgress& attempt : attempts) add(progress_, attempt);
  }
  void describe(WorkerId worker, const AttemptRef& attempt, DescribeDone done) override {
    if (drop_describes) return;
    if (worker != kWorker || attempt != kAttempt)
      return done(Error{ErrorClass::kInfrastructure, "lease.fenced", "not its attempt"});
    done(description);
  }
  void counted(const std::string& reason, const std::string&) override { add(reasons_, reason); }

  // The next input, as soon as it is there.
  Input next_input() { return next(inputs_); }
  std::string next_reason() { return next(reasons_); }
  AttemptProgress next_progress() { return next(progress_); }

  Description description;
  std::atomic<bool> drop_describes{false};

 private:
  template <typename T>
  void add(std::deque<T>& queue, T value) {
    const std::scoped_lock lock(mutex_);
    queue.push_back(std::move(value));
    changed_.notify_all();
  }
  template <typename T>
  T next(std::deque<T>& queue) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !queue.empty(); });
    T value = std::move(queue.front());
    queue.pop_front();
    return value;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Input> inputs_;
  std::deque<std::string> reasons_;
  std::deque<AttemptProgress> progress_;
};

class Dispatch : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "dispatch.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    settings_.socket_path = (folder_ / "run" / "dispatch.sock").string();
    settings_.token = kToken;
    settings_.terms = {"0.1.0", seconds(15), seconds(5), seconds(10)};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void start() {
    auto server = DispatchServer::start(settings_, host_);
    ASSERT_TRUE(server.ok()) << server.error().to_text();
    server_ = std::move(server).value();
    channel_ =
        grpc::CreateChannel("unix:" + settings_.socket_path, grpc::InsecureChannelCredentials());
    stub_ = worker::v1alpha1::Dispatch::NewStub(channel_);
  }
  static WorkerMessage hello() {
    WorkerMessage message;
    message.mutable_hello()->set_protocol(1);
    message.mutable_hello()->set_worker_name("w1");
    message.mutable_hello()->set_incarnation(to_wire(kWorker.raw()));
    return message;
  }
  static void prepare(grpc::ClientContext& context, const std::string& token = kToken) {
    context.AddMetadata("authorization", "Bearer " + token);
    context.AddMetadata("millrace-incarnation", kWorker.to_text());
  }
  // A stream whose hello was welcomed.
  struct Stream {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReaderWriter<WorkerMessage, SchedulerMessage>> call;
    SchedulerMessage read() {
      SchedulerMessage message;
      EXPECT_TRUE(call->Read(&message));
      return message;
    }
  };
  std::unique_ptr<Stream> connect() {
    auto stream = std::make_unique<Stream>();
    prepare(stream->context);
    stream->call = stub_->Connect(&stream->context);
    EXPECT_TRUE(stream->call->Write(hello()));
    EXPECT_EQ(stream->read().welcome().lease_us(), 15'000'000);
    EXPECT_TRUE(std::holds_alternative<WorkerJoined>(host_.next_input()));
    return stream;
  }

  std::filesystem::path folder_;
  DispatchSettings settings_;
  RecordingHost host_;
  std::unique_ptr<DispatchServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<worker::v1alpha1::Dispatch::Stub> stub_;
};

TEST_F(Dispatch, carries_messages_both_ways_and_says_who_left) {
  start();
  auto stream = connect();
  server_->send(kWorker,
                commands::Start{kAttempt, {}, "noop", "default", Phase::kExecute, Micros(0), 0});
  EXPECT_EQ(stream->read().start().attempt().epoch(), 7U);

  WorkerMessage message;
  auto& status = *message.mutable_heartbeat()->add_attempts();
  *status.mutable_attempt() = to_proto(kAttempt);
  status.set_started(true);
  ASSERT_TRUE(stream->call->Write(message));
  EXPECT_EQ(std::get<WorkerHeartbeat>(host_.next_input()).attempts, std::vector{kAttempt});
  EXPECT_TRUE(host_.next_progress().started);

  message.Clear();
  *message.mutable_failed()->mutable_attempt() = to_proto(kAttempt);
  message.mutable_failed()->mutable_failure()->set_code("a.b");
  ASSERT_TRUE(stream->call->Write(message));
  EXPECT_EQ(std::get<AttemptFailed>(host_.next_input()).failure.code, "a.b");

  stream->call->WritesDone();
  EXPECT_TRUE(stream->call->Finish().ok());
  EXPECT_EQ(std::get<WorkerLeft>(host_.next_input()).worker, kWorker);
  server_->send(kWorker, commands::Cancel{kAttempt, "nobody there"});  // dropped
}

TEST_F(Dispatch, a_worker_that_is_dismissed_comes_back_and_says_hello) {
  start();
  auto stream = connect();
  server_->dismiss(kWorker);
  SchedulerMessage message;
  EXPECT_FALSE(stream->call->Read(&message));
  EXPECT_FALSE(stream->call->Finish().ok());
  EXPECT_EQ(std::get<WorkerLeft>(host_.next_input()).worker, kWorker);
  server_->dismiss(kWorker);  // it is gone: nothing to end
  stream = connect();
  server_->send(kWorker, commands::Cancel{kAttempt, "r"});
  EXPECT_EQ(stream->read().cancel().reason(), "r");
  server_->stop();
}

TEST_F(Dispatch, nobody_gets_in_without_the_token) {
  start();
  for (const std::string token : {"", "a-token-of-enough-characterz"}) {
    grpc::ClientContext context;
    prepare(context, token);
    auto call = stub_->Connect(&context);
    SchedulerMessage answer;
    EXPECT_FALSE(call->Read(&answer));
    EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(host_.next_reason(), "worker.unauthenticated");

    grpc::ClientContext describe_context;
    prepare(describe_context, token);
    worker::v1alpha1::DescribeRequest request;
    task::v1alpha1::Description page;
    auto reader = stub_->Describe(&describe_context, request);
    EXPECT_FALSE(reader->Read(&page));
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(host_.next_reason(), "worker.unauthenticated");
  }
}

TEST_F(Dispatch, nonsense_closes_the_stream_with_a_reason) {
  start();
  auto stream = connect();
  WorkerMessage message;
  message.mutable_failed();
  ASSERT_TRUE(stream->call->Write(message));
  SchedulerMessage answer;
  EXPECT_FALSE(stream->call->Read(&answer));
  EXPECT_EQ(stream->call->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(host_.next_reason(), "protocol.invalid");
  EXPECT_TRUE(std::holds_alternative<WorkerLeft>(host_.next_input()));
}

TEST_F(Dispatch, a_message_beyond_the_limit_closes_the_stream) {
  start();
  auto stream = connect();
  WorkerMessage message;
  message.mutable_failed()->mutable_failure()->set_message(std::string(1 << 20, 'm'));
  stream->call->Write(message);
  SchedulerMessage answer;
  EXPECT_FALSE(stream->call->Read(&answer));
  EXPECT_FALSE(stream->call->Finish().ok());
  EXPECT_TRUE(std::holds_alternative<WorkerLeft>(host_.next_input()));
}

TEST_F(Dispatch, a_second_stream_of_an_incarnation_replaces_the_first) {
  start();
  auto first = connect();
  auto second = connect();  // joined again, and no word of leaving in between
  SchedulerMessage answer;
  EXPECT_FALSE(first->call->Read(&answer));
  EXPECT_FALSE(first->call->Finish().ok());
  server_->send(kWorker, commands::Cancel{kAttempt, "x"});
  EXPECT_EQ(second->read().cancel().reason(), "x");
  second->call->WritesDone();
  second->call->Finish();
  EXPECT_TRUE(std::holds_alternative<WorkerLeft>(host_.next_input()));
}

TEST_F(Dispatch, a_worker_that_does_not_read_is_disconnected) {
  settings_.max_outgoing = mebibytes(1);
  start();
  auto stream = connect();
  for (int i = 0; i < 400; ++i)
    server_->send(kWorker, commands::Cancel{kAttempt, std::string(64 << 10, 'r')});
  EXPECT_EQ(host_.next_reason(), "worker.slow");
  EXPECT_TRUE(std::holds_alternative<WorkerLeft>(host_.next_input()));
  SchedulerMessage answer;
  while (stream->call->Read(&answer)) {
  }
  EXPECT_EQ(stream->call->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(Dispatch, describes_an_attempt_to_the_worker_that_holds_it) {
  start();
  const auto describe = [&](const AttemptRef& attempt, std::string& body) {
    grpc::ClientContext context;
    prepare(context);
    worker::v1alpha1::DescribeRequest request;
    *request.mutable_attempt() = to_proto(attempt);
    auto reader = stub_->Describe(&context, request);
    task::v1alpha1::Description page;
    while (reader->Read(&page)) body += page.body_json();
    return reader->Finish();
  };
  std::string body;
  EXPECT_EQ(describe(kAttempt, body).error_code(), grpc::StatusCode::UNAVAILABLE)
      << "not connected";
  auto stream = connect();
  host_.description.attempt = kAttempt;
  host_.description.body_json = std::string(3 << 20, 'b');
  EXPECT_TRUE(describe(kAttempt, body).ok());
  EXPECT_EQ(body, host_.description.body_json);

  AttemptRef other = kAttempt;
  other.epoch = Epoch(8);
  const auto status = describe(other, body);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_TRUE(status.error_message().starts_with("lease.fenced")) << status.error_message();

  host_.drop_describes = true;
  EXPECT_EQ(describe(kAttempt, body).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(Dispatch, a_start_may_carry_its_description) {
  start();
  auto stream = connect();
  Description description;
  description.attempt = kAttempt;
  description.body_json = R"({"name":"t"})";
  const commands::Start start{kAttempt, {}, "noop", "default", Phase::kExecute, Micros(0), 5};
  server_->start(kWorker, start, description);
  const auto told = stream->read().start();
  EXPECT_EQ(told.lease_from_monotonic_us(), 5);
  EXPECT_EQ(told.description().attempt().epoch(), 7U);
  EXPECT_EQ(told.description().body_json(), description.body_json);
}

TEST_F(Dispatch, the_socket_is_private_and_not_taken_from_another) {
  start();
  struct stat status{};
  ASSERT_EQ(::stat((folder_ / "run").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  EXPECT_EQ(DispatchServer::start(settings_, host_).error().code, "dispatch.socket_in_use");
  auto stream = connect();  // the first one still serves
  stream->context.TryCancel();
  stream->call->Finish();
  server_->stop();
  EXPECT_TRUE(DispatchServer::start(settings_, host_).ok()) << "free again";
}

TEST_F(Dispatch, stops_with_streams_and_descriptions_under_way) {
  start();
  auto stream = connect();
  server_->stop();
  SchedulerMessage answer;
  EXPECT_FALSE(stream->call->Read(&answer));
  EXPECT_FALSE(stream->call->Finish().ok());
  EXPECT_TRUE(std::holds_alternative<WorkerLeft>(host_.next_input()));
}

TEST_F(Dispatch, a_path_too_long_is_named) {
  settings_.socket_path = "/tmp/" + std::string(120, 'x');
  EXPECT_EQ(DispatchServer::start(settings_, host_).error().code, "ipc.socket_path_too_long");
}

}  // namespace
}  // namespace millrace::scheduler
