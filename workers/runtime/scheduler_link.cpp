#include "workers/runtime/scheduler_link.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>

#include <boost/asio/post.hpp>
#include <deque>
#include <mutex>
#include <utility>

#include "millrace/worker/v1alpha1/worker.grpc.pb.h"

namespace millrace::runtime {
namespace {

namespace asio = boost::asio;
using Dispatch = worker::v1alpha1::Dispatch;
using worker::v1alpha1::SchedulerMessage;
using worker::v1alpha1::WorkerMessage;
using DescriptionPage = task::v1alpha1::Description;

constexpr int kMaxMessage = 1 << 20;
// A description beyond this is no task that a runner could hold.
constexpr std::size_t kMaxDescriptionBytes = std::size_t{256} << 20;

// gRPC 1.51's own clean-up sometimes waits 10 s for a thread: kept from running.
void keep_grpc() {
  static const bool kept = [] {
    grpc_init();
    return true;
  }();
  static_cast<void>(kept);
}

std::shared_ptr<grpc::Channel> make_channel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessage);
  arguments.SetMaxSendMessageSize(kMaxMessage);
  // A channel serves one stream, so that its own reconnecting never adds to the worker's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

void prepare(grpc::ClientContext& context, const LinkSettings& settings) {
  context.AddMetadata("authorization", "Bearer " + settings.token);
  context.AddMetadata("millrace-incarnation", settings.incarnation);
}

Error closed(const grpc::Status& status) {
  if (status.ok())
    return {ErrorClass::kTransient, "scheduler.closed", "the scheduler ended the stream", "", ""};
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED)
    return {ErrorClass::kUser, "worker.unauthenticated", status.error_message(),
            "give worker and scheduler the same token file", ""};
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE)
    return {ErrorClass::kTransient, "scheduler.unavailable", status.error_message(), "", ""};
  return {ErrorClass::kInfrastructure, "scheduler.refused", status.error_message(), "", ""};
}

// Deletes itself in OnDone. Outside calls hold the stream's mutex and see `ended_` first.
class Stream final : public grpc::ClientBidiReactor<WorkerMessage, SchedulerMessage> {
 public:
  using OnMessage = std::function<void(SchedulerMessage)>;
  using OnClosed = std::function<void(Error)>;

  Stream(Dispatch::Stub& stub, const LinkSettings& settings, OnMessage on_message,
         OnClosed on_closed)
      : on_message_(std::move(on_message)), on_closed_(std::move(on_closed)) {
    prepare(context_, settings);
    stub.async()->Connect(&context_, this);
  }

  // The stream goes on in gRPC's threads from here, until OnDone.
  static void begin(const std::shared_ptr<Stream>& stream, WorkerMessage hello) {
    stream->self_ = stream;
    stream->AddHold();  // of writes, which begin outside of reactions
    stream->StartRead(&stream->incoming_);
    stream->send(std::move(hello));
    stream->StartCall();
  }

  void send(WorkerMessage message) {
    const std::scoped_lock lock(mutex_);
    if (ended_) return;
    queued_ += message.ByteSizeLong();
    outgoing_.push_back(std::move(message));
    if (outgoing_.size() == 1) write_front();
  }

  std::size_t queued() {
    const std::scoped_lock lock(mutex_);
    return queued_;
  }

  void close() {
    const std::scoped_lock lock(mutex_);
    if (ended_) return;
    closing_ = true;
    if (outgoing_.empty()) finish_writes();
  }

  void cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      const std::scoped_lock lock(mutex_);
      end();
      return;
    }
    on_message_(std::move(incoming_));
    incoming_ = SchedulerMessage();
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    const std::scoped_lock lock(mutex_);
    queued_ -= outgoing_.front().ByteSizeLong();
    outgoing_.pop_front();
    if (ended_) return;
    if (!ok) return end();
    if (!outgoing_.empty()) return write_front();
    if (closing_) finish_writes();
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<Stream> keep = std::move(self_);  // may be the last owner
    on_closed_(closed(status));
  }

 private:
  // The lock is held for all of these.
  void write_front() {
    grpc::WriteOptions options;
    if (outgoing_.size() > 1) options.set_buffer_hint();
    StartWrite(&outgoing_.front(), options);
  }
  void finish_writes() {
    StartWritesDone();
    end();
  }
  void end() {
    if (std::exchange(ended_, true)) return;
    RemoveHold();
  }

  const OnMessage on_message_;
  const OnClosed on_closed_;
  grpc::ClientContext context_;
  std::shared_ptr<Stream> self_;
  SchedulerMessage incoming_;
  std::mutex mutex_;
  std::deque<WorkerMessage> outgoing_;  // the front one is being written
  std::size_t queued_ = 0;
  bool closing_ = false;
  bool ended_ = false;  // nothing is written any more
};

class DescribeCall final : public grpc::ClientReadReactor<DescriptionPage> {
 public:
  using OnDescribed = std::function<void(Result<std::vector<DescriptionPage>>)>;

  DescribeCall(Dispatch::Stub& stub, const LinkSettings& settings,
               const task::v1alpha1::AttemptRef& attempt, OnDescribed done)
      : done_(std::move(done)) {
    prepare(context_, settings);
    *request_.mutable_attempt() = attempt;
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stub.async()->Describe(&context_, &request_, this);
    StartRead(&page_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    bytes_ += page_.ByteSizeLong();
    if (bytes_ > kMaxDescriptionBytes) return context_.TryCancel();
    pages_.push_back(std::move(page_));
    page_ = DescriptionPage();
    StartRead(&page_);
  }

  void OnDone(const grpc::Status& status) override {
    done_(result(status));
    delete this;
  }

 private:
  Result<std::vector<DescriptionPage>> result(const grpc::Status& status) {
    if (status.ok() && !pages_.empty()) return std::move(pages_);
    if (bytes_ > kMaxDescriptionBytes)
      return Error{
          ErrorClass::kResource, "describe.too_large",
          "the task's description exceeds " + std::to_string(kMaxDescriptionBytes) + " bytes", "",
          ""};
    switch (status.error_code()) {
      case grpc::StatusCode::FAILED_PRECONDITION:
        return Error{ErrorClass::kInfrastructure, "lease.fenced", status.error_message()};
      case grpc::StatusCode::UNAVAILABLE:
      case grpc::StatusCode::DEADLINE_EXCEEDED:
      case grpc::StatusCode::CANCELLED:
        return Error{ErrorClass::kTransient, "describe.unavailable", status.error_message(), "",
                     ""};
      default:
        return Error{ErrorClass::kInfrastructure, "describe.failed", status.error_message(), "",
                     ""};
    }
  }

  const OnDescribed done_;
  grpc::ClientContext context_;
  worker::v1alpha1::DescribeRequest request_;
  DescriptionPage page_;
  std::vector<DescriptionPage> pages_;
  std::size_t bytes_ = 0;
};

// The way from gRPC's threads to the executor, shut when the link goes: afterwards its io_context
// may too.
class Gate {
 public:
  explicit Gate(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  // `call` runs on the executor, unless the gate is shut by then.
  static void pass(const std::shared_ptr<Gate>& gate, std::function<void()> call) {
    const std::scoped_lock lock(gate->mutex_);
    if (!gate->open_) return;
    asio::post(gate->executor_, [gate, call = std::move(call)] {
      if (gate->open_) call();  // shut() is called on the executor too
    });
  }
  void shut() {
    const std::scoped_lock lock(mutex_);
    open_ = false;
  }

 private:
  const asio::any_io_executor executor_;
  std::mutex mutex_;
  bool open_ = true;
};

}  // namespace

class SchedulerLink::Impl {
 public:
  Impl(asio::any_io_executor executor, LinkSettings settings, LinkEvents& events)
      : gate_(std::make_shared<Gate>(std::move(executor))),
        settings_(std::move(settings)),
        events_(events) {
    keep_grpc();
  }
  ~Impl() {
    gate_->shut();
    if (stream_) stream_->cancel();
  }

  void connect(const WorkerMessage& hello) {
    stub_ = Dispatch::NewStub(make_channel(settings_.address));
    stream_ = std::make_shared<Stream>(
        *stub_, settings_,
        [this, gate = gate_](SchedulerMessage message) {
          Gate::pass(gate, [this, message = std::move(message)]() mutable {
            events_.on_scheduler_message(std::move(message));
          });
        },
        [this, gate = gate_](Error error) {
          Gate::pass(gate, [this, error = std::move(error)] {
            stream_.reset();
            events_.on_link_closed(error);
          });
        });
    Stream::begin(stream_, hello);
  }

  void send(WorkerMessage message) {
    if (stream_) stream_->send(std::move(message));
  }
  std::size_t queued() const { return stream_ ? stream_->queued() : 0; }
  void close() {
    if (stream_) stream_->close();
  }

  void describe(const task::v1alpha1::AttemptRef& attempt, DescribeAnswer answer) {
    using Described = Result<std::vector<DescriptionPage>>;
    const auto done = [gate = gate_, answer = std::move(answer)](Described described) {
      Gate::pass(gate, [answer, described = std::move(described)]() mutable {
        answer(std::move(described));
      });
    };
    if (!stream_)
      return done(Error{ErrorClass::kTransient, "describe.unavailable", "there is no stream"});
    new DescribeCall(*stub_, settings_, attempt, done);
  }

 private:
  const std::shared_ptr<Gate> gate_;
  const LinkSettings settings_;
  LinkEvents& events_;
  std::unique_ptr<Dispatch::Stub> stub_;
  std::shared_ptr<Stream> stream_;
};

SchedulerLink::SchedulerLink(asio::any_io_executor executor, LinkSettings settings,
                             LinkEvents& events)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(settings), events)) {}
SchedulerLink::~SchedulerLink() = default;

void SchedulerLink::connect(const WorkerMessage& hello) { impl_->connect(hello); }
void SchedulerLink::send(WorkerMessage message) { impl_->send(std::move(message)); }
std::size_t SchedulerLink::queued() const { return impl_->queued(); }
void SchedulerLink::describe(const task::v1alpha1::AttemptRef& attempt, DescribeAnswer answer) {
  impl_->describe(attempt, std::move(answer));
}
void SchedulerLink::close() { impl_->close(); }

}  // namespace millrace::runtime
