// The door over its real socket, against a client of gRPC's own.
#include "scheduler/main/workers_door.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <semaphore>

#include "lib/ipc/socket_address.h"
#include "millrace/worker/v1alpha1/worker.grpc.pb.h"

namespace millrace::scheduler {
namespace {

using worker::v1alpha1::SchedulerMessage;
using worker::v1alpha1::WorkerMessage;

const WorkerId kWorker(RawId{5, 6});

// Hears greetings alone.
class GreetedHost final : public DispatchHost {
 public:
  void offer(Input input) override {
    if (std::holds_alternative<WorkerJoined>(input)) greetings_.release();
  }
  void progress(WorkerId, std::vector<AttemptProgress>) override {}
  void describe(WorkerId, const AttemptRef&, DescribeDone) override {}
  void counted(const std::string&, const std::string&) override {}

  void wait_for_greeting() { greetings_.acquire(); }

 private:
  std::counting_semaphore<> greetings_{0};
};

class Door : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "door.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    settings_.socket_path = (folder_ / "run" / "dispatch.sock").string();
    settings_.token = "a-token-of-enough-characters";
    settings_.terms = {"0.1.0", seconds(15), seconds(5), seconds(10)};
    door_ = std::make_unique<WorkersDoor>(settings_, host_);
  }
  void TearDown() override {
    door_.reset();
    std::filesystem::remove_all(folder_);
  }
  bool is_open() const { return ipc::somebody_listens(settings_.socket_path); }
  void tend() {
    const Status tended = door_->tend();
    ASSERT_TRUE(tended.ok()) << tended.error().to_text();
    ASSERT_FALSE(door_->due());
  }

  // A worker that has said hello, was heard and welcomed, on a connection of its own.
  struct Stream {
    std::unique_ptr<worker::v1alpha1::Dispatch::Stub> stub;
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReaderWriter<WorkerMessage, SchedulerMessage>> call;
    // Whether another message came; nothing does when the stream has ended.
    bool reads() {
      SchedulerMessage message;
      return call->Read(&message);
    }
  };
  std::unique_ptr<Stream> greet() {
    auto stream = std::make_unique<Stream>();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stream->stub = worker::v1alpha1::Dispatch::NewStub(grpc::CreateCustomChannel(
        "unix:" + settings_.socket_path, grpc::InsecureChannelCredentials(), arguments));
    stream->context.AddMetadata("authorization", "Bearer " + settings_.token);
    stream->call = stream->stub->Connect(&stream->context);
    WorkerMessage hello;
    hello.mutable_hello()->set_protocol(1);
    hello.mutable_hello()->set_worker_name("w1");
    hello.mutable_hello()->set_incarnation(to_wire(kWorker.raw()));
    EXPECT_TRUE(stream->call->Write(hello));
    EXPECT_TRUE(stream->reads()) << "no welcome";
    host_.wait_for_greeting();
    return stream;
  }

  std::filesystem::path folder_;
  DispatchSettings settings_;
  GreetedHost host_;
  std::unique_ptr<WorkersDoor> door_;
};

TEST_F(Door, is_open_while_this_scheduler_leads) {
  EXPECT_FALSE(door_->due());
  tend();
  EXPECT_FALSE(is_open());
  door_->leading(true);
  EXPECT_TRUE(door_->due());
  tend();
  EXPECT_TRUE(is_open());
  const auto stream = greet();
  door_->send(kWorker, commands::Cancel{});
  EXPECT_TRUE(stream->reads());
  door_->leading(false);
  EXPECT_TRUE(door_->due());
  tend();
  EXPECT_FALSE(is_open());
  EXPECT_FALSE(stream->reads());
  door_->send(kWorker, commands::Cancel{});  // dropped
  door_->dismiss(kWorker);
}

// The loop may step down and be elected again before the keeper of the door looks once.
TEST_F(Door, a_leadership_does_not_inherit_the_streams_of_the_one_before) {
  door_->leading(true);
  tend();
  const auto before = greet();
  door_->leading(false);
  door_->leading(true);
  ASSERT_TRUE(door_->due());
  tend();
  EXPECT_TRUE(is_open());
  EXPECT_FALSE(before->reads()) << "its worker would never greet the leadership that lasts";
  const auto after = greet();
  door_->send(kWorker, commands::Cancel{});
  EXPECT_TRUE(after->reads());
  door_->shut();
}

TEST_F(Door, a_leadership_that_is_over_before_anyone_looked_opens_nothing) {
  door_->leading(true);
  door_->leading(false);
  EXPECT_FALSE(door_->due());
  tend();
  EXPECT_FALSE(is_open());
}

}  // namespace
}  // namespace millrace::scheduler
