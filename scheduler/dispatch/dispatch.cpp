#include "scheduler/dispatch/dispatch.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "lib/ipc/private_files.h"
#include "lib/ipc/socket_address.h"
#include "millrace/worker/v1alpha1/worker.grpc.pb.h"
#include "scheduler/dispatch/description_pages.h"

namespace millrace::scheduler {
namespace {

using worker::v1alpha1::SchedulerMessage;
using worker::v1alpha1::WorkerMessage;
using DescriptionPage = task::v1alpha1::Description;

constexpr int kMaxMessage = 1 << 20;
constexpr int kMaxStreamsPerConnection = 1'024;
constexpr auto kStopDeadline = std::chrono::milliseconds(200);

// gRPC 1.51's own clean-up, run when its last object goes, sometimes waits 10 s for a thread. The
// process ends soon enough without it, so it is kept from running.
void keep_grpc() {
  static const bool kept = [] {
    grpc_init();
    return true;
  }();
  static_cast<void>(kept);
}

grpc::Status to_grpc(const Error& error) {
  grpc::StatusCode code = grpc::StatusCode::INTERNAL;
  if (error.code == "worker.unauthenticated") code = grpc::StatusCode::UNAUTHENTICATED;
  if (error.code == "lease.fenced" || error.code == "protocol.unsupported")
    code = grpc::StatusCode::FAILED_PRECONDITION;
  if (error.code == "protocol.invalid" || error.code == "protocol.hello_expected")
    code = grpc::StatusCode::INVALID_ARGUMENT;
  if (error.error_class == ErrorClass::kTransient) code = grpc::StatusCode::UNAVAILABLE;
  return {code, error.to_text()};
}

std::string_view metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto it = context.client_metadata().find(key);
  if (it == context.client_metadata().end()) return {};
  return {it->second.data(), it->second.size()};
}

class WorkerStream;

// The streams by incarnation. Joining, leaving and what lies between reach the host in one order
// for each worker, because they are offered under this lock; a stream that was replaced says
// nothing any more.
class Registry {
 public:
  explicit Registry(DispatchHost& host) : host_(host) {}

  void join(WorkerStream& stream, const WorkerIdentity& identity, Input joined);
  void leave(WorkerStream& stream);
  void receive(WorkerStream& stream, Received received);
  void send(WorkerId worker, SchedulerMessage message);
  void dismiss(WorkerId worker);
  bool is_connected(WorkerId worker, const WorkerIdentity& identity);
  DispatchHost& host() { return host_; }

 private:
  struct Entry {
    WorkerStream* stream = nullptr;
    WorkerIdentity identity;
  };
  bool holds(const WorkerStream& stream) const;  // the lock is held

  DispatchHost& host_;
  std::mutex mutex_;
  std::map<WorkerId, Entry> entries_;
};

// A call that ends before it began.
template <typename Reactor>
class Refusal final : public Reactor {
 public:
  explicit Refusal(const grpc::Status& status) { this->Finish(status); }
  void OnDone() override { delete this; }
};

// One worker's stream. Lives until OnDone; `finished_` guards that nothing is started after Finish.
class WorkerStream final : public grpc::ServerBidiReactor<WorkerMessage, SchedulerMessage> {
 public:
  WorkerStream(grpc::CallbackServerContext& context, Registry& registry,
               const DispatchSettings& settings, WorkerIdentity identity)
      : context_(context),
        registry_(registry),
        settings_(settings),
        identity_(std::move(identity)),
        session_(settings.results) {
    StartRead(&incoming_);
  }

  WorkerId worker() const { return session_.worker(); }

  // From any thread. Called by the registry under its lock, so never after leave().
  void enqueue(SchedulerMessage message) {
    const std::scoped_lock lock(mutex_);
    if (finished_ || cancelled_) return;
    waiting_ += message.ByteSizeLong();
    if (waiting_ > static_cast<std::size_t>(settings_.max_outgoing.value())) {
      // The worker does not read: a status would not reach it either.
      registry_.host().counted("worker.slow", "worker " + worker().to_text() + " leaves " +
                                                  std::to_string(waiting_) + " bytes unread");
      cancelled_ = true;
      context_.TryCancel();
      return;
    }
    outgoing_.push_back(std::move(message));
    if (outgoing_.size() == 1) write_front();
  }

  void cancel() {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
    if (!finished_) context_.TryCancel();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return finish(grpc::Status::OK);
    const bool first = worker().is_nil();
    Result<Received> answer = session_.receive(incoming_);
    if (!answer.ok()) {
      registry_.host().counted(answer.error().code, answer.error().to_text());
      return finish(to_grpc(answer.error()));
    }
    Received received = *std::move(answer);
    if (first) {
      MILLRACE_CHECK(received.input.has_value(), "a hello that was taken joins");
      enqueue(welcome(settings_.terms));
      registry_.join(*this, identity_, *std::move(received.input));
    } else {
      registry_.receive(*this, std::move(received));
    }
    const std::scoped_lock lock(mutex_);
    if (!finished_) StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return finish({grpc::StatusCode::UNAVAILABLE, "the stream is broken"});
    const std::scoped_lock lock(mutex_);
    waiting_ -= outgoing_.front().ByteSizeLong();
    outgoing_.pop_front();
    if (!outgoing_.empty() && !finished_) write_front();
  }

  void OnCancel() override { finish(grpc::Status::CANCELLED); }

  void OnDone() override {
    registry_.leave(*this);
    delete this;
  }

 private:
  // The lock is held. gRPC runs no reaction within StartWrite, so that is fine.
  void write_front() {
    grpc::WriteOptions options;
    if (outgoing_.size() > 1) options.set_buffer_hint();  // more follows: one system call for many
    StartWrite(&outgoing_.front(), options);
  }

  void finish(const grpc::Status& status) {
    {
      const std::scoped_lock lock(mutex_);
      if (std::exchange(finished_, true)) return;
    }
    Finish(status);  // `this` may be gone now
  }

  grpc::CallbackServerContext& context_;
  Registry& registry_;
  const DispatchSettings& settings_;
  const WorkerIdentity identity_;
  WorkerSession session_;   // of reading reactions, which follow one another
  WorkerMessage incoming_;  // likewise
  std::mutex mutex_;
  std::deque<SchedulerMessage> outgoing_;  // the front one is being written
  std::size_t waiting_ = 0;                // bytes of outgoing_
  bool finished_ = false;
  bool cancelled_ = false;
};

bool Registry::holds(const WorkerStream& stream) const {
  const auto it = entries_.find(stream.worker());
  return it != entries_.end() && it->second.stream == &stream;
}

void Registry::join(WorkerStream& stream, const WorkerIdentity& identity, Input joined) {
  const std::scoped_lock lock(mutex_);
  Entry& entry = entries_[stream.worker()];
  if (entry.stream != nullptr) entry.stream->cancel();
  entry = {&stream, identity};
  host_.offer(std::move(joined));
}

void Registry::leave(WorkerStream& stream) {
  const std::scoped_lock lock(mutex_);
  if (!holds(stream)) return;
  entries_.erase(stream.worker());
  host_.offer(WorkerLeft{stream.worker()});
}

void Registry::receive(WorkerStream& stream, Received received) {
  const std::scoped_lock lock(mutex_);
  if (!holds(stream)) return;
  if (received.progress) host_.progress(stream.worker(), *std::move(received.progress));
  if (received.input) host_.offer(std::move(*received.input));
}

void Registry::send(WorkerId worker, SchedulerMessage message) {
  const std::scoped_lock lock(mutex_);
  if (const auto it = entries_.find(worker); it != entries_.end())
    it->second.stream->enqueue(std::move(message));
}

void Registry::dismiss(WorkerId worker) {
  const std::scoped_lock lock(mutex_);
  if (const auto it = entries_.find(worker); it != entries_.end()) it->second.stream->cancel();
}

bool Registry::is_connected(WorkerId worker, const WorkerIdentity& identity) {
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(worker);
  return it != entries_.end() && it->second.identity == identity;
}

// Pages of one description, once the host has it.
class DescribeStream final : public grpc::ServerWriteReactor<DescriptionPage> {
 public:
  // May be called once; afterwards the stream lives until its pages are sent.
  void answer(const Result<Description>& description) {
    if (!description.ok()) return Finish(to_grpc(description.error()));
    pages_ = to_pages(*description);
    write_next();
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    write_next();
  }
  void OnDone() override { delete this; }

 private:
  void write_next() {
    DescriptionPage& page = pages_[next_++];
    if (next_ == pages_.size())
      StartWriteAndFinish(&page, grpc::WriteOptions(), grpc::Status::OK);
    else
      StartWrite(&page);
  }
  std::vector<DescriptionPage> pages_;
  std::size_t next_ = 0;
};

// Answers its stream exactly once, also when the host lets go of it.
class DescribeAnswer {
 public:
  explicit DescribeAnswer(DescribeStream& stream) : stream_(&stream) {}
  ~DescribeAnswer() {
    give(Error{ErrorClass::kTransient, "describe.unanswered", "the scheduler is stopping"});
  }
  void give(const Result<Description>& description) {
    if (DescribeStream* stream = stream_.exchange(nullptr)) stream->answer(description);
  }

 private:
  std::atomic<DescribeStream*> stream_;
};

}  // namespace

class DispatchServer::Impl final : public worker::v1alpha1::Dispatch::CallbackService {
 public:
  Impl(DispatchSettings settings, Authenticator authenticator, DispatchHost& host)
      : settings_(std::move(settings)), authenticator_(std::move(authenticator)), registry_(host) {}

  Status listen() {
    MILLRACE_TRY(path, ipc::socket_path_of("unix:" + settings_.socket_path));
    MILLRACE_RETURN_IF_ERROR(ipc::make_private_folder(std::filesystem::path(path).parent_path()));
    if (ipc::somebody_listens(path))
      return Error{ErrorClass::kUser, "dispatch.socket_in_use",
                   "another process listens at \"" + path + "\"", "stop it, or name another socket",
                   ""};
    grpc::ServerBuilder builder;
    int bound = 0;
    builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials(), &bound);
    builder.RegisterService(this);
    builder.SetMaxReceiveMessageSize(kMaxMessage);
    builder.SetMaxSendMessageSize(kMaxMessage);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
    // A worker's machine may vanish without a word once sockets cross machines.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || bound == 0)
      return Error{ErrorClass::kInfrastructure, "dispatch.listen_failed",
                   "cannot listen at \"" + path + "\""};
    return ok_status();
  }

  void send(WorkerId worker, const Command& command) {
    registry_.send(worker, to_proto(command, settings_.terms));
  }

  void dismiss(WorkerId worker) { registry_.dismiss(worker); }

  void start(WorkerId worker, const commands::Start& start, const Description& description) {
    std::vector<DescriptionPage> pages = to_pages(description);
    MILLRACE_CHECK(pages.size() == 1, "a description that travels with its start is small");
    SchedulerMessage message = to_proto(start, settings_.terms);
    *message.mutable_start()->mutable_description() = std::move(pages.front());
    registry_.send(worker, std::move(message));
  }

  void stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + kStopDeadline);
    server_.reset();
  }

  Result<WorkerIdentity> authenticate(const grpc::CallbackServerContext& context) {
    auto identity = authenticator_.authenticate(metadata(context, "authorization"));
    if (!identity.ok()) registry_.host().counted(identity.error().code, context.peer());
    return identity;
  }

  grpc::ServerBidiReactor<WorkerMessage, SchedulerMessage>* Connect(
      grpc::CallbackServerContext* context) override {
    auto identity = authenticate(*context);
    if (!identity.ok())
      return new Refusal<grpc::ServerBidiReactor<WorkerMessage, SchedulerMessage>>(
          to_grpc(identity.error()));
    return new WorkerStream(*context, registry_, settings_, std::move(identity).value());
  }

  grpc::ServerWriteReactor<DescriptionPage>* Describe(
      grpc::CallbackServerContext* context,
      const worker::v1alpha1::DescribeRequest* request) override {
    using Refused = Refusal<grpc::ServerWriteReactor<DescriptionPage>>;
    auto identity = authenticate(*context);
    if (!identity.ok()) return new Refused(to_grpc(identity.error()));
    const auto attempt = from_proto(request->attempt());
    if (!attempt.ok()) return new Refused(to_grpc(attempt.error()));
    const auto worker = WorkerId::parse(metadata(*context, "millrace-incarnation"));
    if (!worker || !registry_.is_connected(*worker, *identity))
      return new Refused({grpc::StatusCode::UNAVAILABLE, "worker.not_connected: connect first"});
    auto* stream = new DescribeStream;
    auto answer = std::make_shared<DescribeAnswer>(*stream);
    registry_.host().describe(*worker, *attempt, [answer](const Result<Description>& description) {
      answer->give(description);
    });
    return stream;
  }

 private:
  const DispatchSettings settings_;
  const Authenticator authenticator_;
  Registry registry_;
  std::unique_ptr<grpc::Server> server_;
};

DispatchServer::DispatchServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DispatchServer::~DispatchServer() { stop(); }

Result<std::unique_ptr<DispatchServer>> DispatchServer::start(DispatchSettings settings,
                                                              DispatchHost& host) {
  keep_grpc();
  MILLRACE_TRY(authenticator, Authenticator::make(settings.token));
  auto impl = std::make_unique<Impl>(std::move(settings), std::move(authenticator), host);
  MILLRACE_RETURN_IF_ERROR(impl->listen());
  return std::unique_ptr<DispatchServer>(new DispatchServer(std::move(impl)));
}

void DispatchServer::send(WorkerId worker, Command command) { impl_->send(worker, command); }
void DispatchServer::start(WorkerId worker, const commands::Start& start,
                           const Description& description) {
  impl_->start(worker, start, description);
}
void DispatchServer::dismiss(WorkerId worker) { impl_->dismiss(worker); }
void DispatchServer::stop() { impl_->stop(); }

}  // namespace millrace::scheduler
