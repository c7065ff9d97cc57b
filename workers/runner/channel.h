// Channel: the runner's end of the runner protocol. Receiving is one thread's; sending is anyone's.
#pragma once

#include <mutex>
#include <optional>

#include "base/result.h"
#include "lib/ipc/frame.h"
#include "millrace/runner/v1alpha1/runner.pb.h"

namespace millrace::runner {

// The descriptor that a runner is started with.
inline constexpr int kChannelDescriptor = 3;

class Channel {
 public:
  explicit Channel(int descriptor) : descriptor_(descriptor) {}

  int descriptor() const { return descriptor_; }
  // Reads what is there, waiting if there is nothing; false at the end of the stream. Errors:
  // runner.protocol, runner.channel.
  Result<bool> receive();
  // The next whole message of those received. Error: runner.protocol.
  Result<std::optional<v1alpha1::ToRunner>> next();

  // Waits until the worker takes it. Errors: runner.channel, the worker is gone;
  // ipc.frame_too_large, nothing was sent.
  Status send(const v1alpha1::FromRunner& message);

 private:
  int descriptor_;
  ipc::FrameReader reader_;
  std::mutex send_mutex_;  // a message's bytes stay together
};

}  // namespace millrace::runner
