#include "workers/runtime/runner_process.h"

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <utility>

#include "lib/ipc/frame.h"

namespace millrace::runtime {

namespace asio = boost::asio;
using runner::v1alpha1::FromRunner;
using runner::v1alpha1::ToRunner;

struct RunnerProcess::Impl {
  Impl(const asio::any_io_executor& executor, RunnerId runner_id, Spawned spawned,
       RunnerEvents& owner)
      : id(runner_id),
        pid(spawned.pid),
        start_ticks(spawned.start_ticks),
        channel(executor, asio::local::stream_protocol(), spawned.channel.release()),
        output(executor, spawned.output.release()),
        events(&owner) {
    // A read of nothing answers would_block, instead of waiting.
    channel.non_blocking(true);
    output.non_blocking(true);
  }

  const RunnerId id;
  const pid_t pid;
  const std::uint64_t start_ticks;
  asio::local::stream_protocol::socket channel;
  asio::posix::stream_descriptor output;
  RunnerEvents* events;  // null once nothing is to be said any more
  ipc::FrameReader frames;
  std::array<char, 64 << 10> channel_buffer;
  std::string waiting;  // to be sent
  std::string writing;  // being sent
  bool is_lost = false;
};

RunnerProcess::RunnerProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RunnerProcess::~RunnerProcess() = default;

std::shared_ptr<RunnerProcess> RunnerProcess::adopt(const asio::any_io_executor& executor,
                                                    RunnerId id, Spawned spawned,
                                                    RunnerEvents& events) {
  std::shared_ptr<RunnerProcess> runner(
      new RunnerProcess(std::make_unique<Impl>(executor, id, std::move(spawned), events)));
  runner->read_channel();
  runner->read_output();
  return runner;
}

// Whether messages are read and told.
bool RunnerProcess::usable() const { return impl_->events != nullptr && !impl_->is_lost; }

RunnerId RunnerProcess::id() const { return impl_->id; }
pid_t RunnerProcess::pid() const { return impl_->pid; }
std::uint64_t RunnerProcess::start_ticks() const { return impl_->start_ticks; }

void RunnerProcess::send(const ToRunner& message) {
  if (impl_->is_lost) return;
  const Status framed = ipc::append_frame(message.SerializeAsString(), impl_->waiting);
  MILLRACE_CHECK(framed.ok(), "a message to a runner is too large");
  if (impl_->writing.empty()) write_channel();
}

void RunnerProcess::write_channel() {
  impl_->writing = std::exchange(impl_->waiting, {});
  asio::async_write(
      impl_->channel, asio::buffer(impl_->writing),
      [self = shared_from_this()](const boost::system::error_code& code, std::size_t) {
        self->impl_->writing.clear();
        // A broken channel is noticed, and said, by the reading side.
        if (!code && !self->impl_->waiting.empty()) self->write_channel();
      });
}

void RunnerProcess::close() {
  boost::system::error_code ignored;
  impl_->channel.shutdown(asio::socket_base::shutdown_send, ignored);
}

// Waits for readiness and reads in the handler: a read that was already done, its handler still
// queued, would overtake or be overtaken by drain_output().
void RunnerProcess::read_channel() {
  impl_->channel.async_wait(asio::socket_base::wait_read,
                            [self = shared_from_this()](const boost::system::error_code& code) {
                              if (code || !self->usable()) return;
                              self->receive();
                              if (self->usable()) self->read_channel();
                            });
}

// False when there is nothing more to read now.
bool RunnerProcess::receive() {
  boost::system::error_code code;
  const std::size_t size = impl_->channel.read_some(asio::buffer(impl_->channel_buffer), code);
  if (code == asio::error::would_block) return false;
  if (code)
    lost({ErrorClass::kInfrastructure, "runner.closed", "the runner closed its channel", "", ""});
  else
    take({impl_->channel_buffer.data(), size});
  return usable();
}

void RunnerProcess::take(std::string_view bytes) {
  if (Status fed = impl_->frames.feed(bytes); !fed.ok()) {
    Error error = std::move(fed).error();
    error.code = "runner.protocol";
    return lost(error);
  }
  while (const auto frame = impl_->frames.next()) {
    FromRunner message;
    if (!message.ParseFromArray(frame->data(), static_cast<int>(frame->size())))
      return lost({ErrorClass::kInfrastructure, "runner.protocol",
                   "the runner sent what is no message", "", ""});
    if (!usable()) return;
    impl_->events->on_runner_message(*this, message);
  }
}

void RunnerProcess::lost(const Error& error) {
  if (std::exchange(impl_->is_lost, true)) return;
  if (impl_->events != nullptr) impl_->events->on_runner_lost(*this, error);
}

void RunnerProcess::read_output() {
  impl_->output.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& code) {
                             if (code || self->impl_->events == nullptr) return;
                             if (self->receive_output() != Pipe::kEnded) self->read_output();
                           });
}

RunnerProcess::Pipe RunnerProcess::receive_output() {
  std::array<char, 64 << 10> buffer;
  boost::system::error_code code;
  const std::size_t size = impl_->output.read_some(asio::buffer(buffer), code);
  if (code == asio::error::would_block) return Pipe::kEmpty;
  if (code) return Pipe::kEnded;
  impl_->events->on_runner_output(*this, {buffer.data(), size});
  return Pipe::kRead;
}

void RunnerProcess::drain_output() {
  // Bounded: a process that writes without end does not hold up the loop.
  for (int round = 0; round < 64 && impl_->events != nullptr; ++round)
    if (receive_output() != Pipe::kRead) return;
}

void RunnerProcess::finish() {
  drain_output();
  while (usable() && receive()) {
  }
  impl_->events = nullptr;
  boost::system::error_code ignored;
  impl_->channel.close(ignored);
  impl_->output.close(ignored);
}

}  // namespace millrace::runtime
