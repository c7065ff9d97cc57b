// RunnerUnderTest: a real millrace-runner of this build, spoken to as its worker would. For tests.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/frame.h"
#include "lib/process/owned_fd.h"
#include "millrace/runner/v1alpha1/runner.pb.h"

namespace millrace::runner {

class RunnerUnderTest {
 public:
  // `environment` is all that it gets besides what a worker gives. Its output goes to `log`, a
  // file.
  explicit RunnerUnderTest(const std::string& log,
                           const std::vector<std::string>& environment = {});
  RunnerUnderTest(const RunnerUnderTest&) = delete;
  RunnerUnderTest& operator=(const RunnerUnderTest&) = delete;
  ~RunnerUnderTest();  // kills it

  void send(const v1alpha1::ToRunner& message);
  bool send_bytes(const std::string& bytes);
  // Whether something comes within this time: a message, or the end of the stream.
  bool speaks(std::chrono::milliseconds patience);
  // The next message, waiting for it at most `patience`; nothing at the end of the stream.
  std::optional<v1alpha1::FromRunner> receive(
      std::chrono::seconds patience = std::chrono::seconds(60));
  // Messages up to one of this case; nothing when the stream ends before.
  std::optional<v1alpha1::FromRunner> wait_for(
      v1alpha1::FromRunner::MessageCase wanted,
      const std::function<void(const v1alpha1::FromRunner&)>& others = {});
  void close_channel() { channel_.reset(); }
  pid_t pid() const { return pid_; }
  // Waits for its end; the status of waitpid.
  int wait_for_end();

 private:
  pid_t pid_ = -1;
  process::OwnedFd channel_;
  ipc::FrameReader reader_;
  std::optional<std::string_view> waiting_;  // a message that came with the one before; of reader_
};

}  // namespace millrace::runner
