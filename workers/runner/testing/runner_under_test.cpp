#include "workers/runner/testing/runner_under_test.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "workers/runner/channel.h"

namespace millrace::runner {
namespace {

std::string program() {
  const char* const bin = std::getenv("MILLRACE_BIN_DIR");
  return std::string(bin == nullptr ? "bin" : bin) + "/millrace-runner";
}

}  // namespace

RunnerUnderTest::RunnerUnderTest(const std::string& log,
                                 const std::vector<std::string>& environment) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  channel_ = process::OwnedFd(ends[0]);
  const process::OwnedFd theirs(::fcntl(ends[1], F_DUPFD_CLOEXEC, 10));
  ::close(ends[1]);
  const std::string path = program();
  std::vector<std::string> variables = environment;
  variables.emplace_back("PATH=/usr/bin:/bin");
  std::vector<char*> envp;
  envp.reserve(variables.size() + 1);
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  const process::OwnedFd output(
      ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(output.get(), STDOUT_FILENO);
    ::dup2(output.get(), STDERR_FILENO);
    ::dup2(theirs.get(), kChannelDescriptor);
    std::array<char*, 2> argv{const_cast<char*>(path.c_str()), nullptr};
    ::execve(path.c_str(), argv.data(), envp.data());
    ::_exit(127);
  }
}

RunnerUnderTest::~RunnerUnderTest() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void RunnerUnderTest::send(const v1alpha1::ToRunner& message) {
  std::string frame;
  ASSERT_TRUE(ipc::append_frame(message.SerializeAsString(), frame).ok());
  ASSERT_TRUE(send_bytes(frame));
}

bool RunnerUnderTest::send_bytes(const std::string& bytes) {
  return ::send(channel_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

bool RunnerUnderTest::speaks(std::chrono::milliseconds patience) {
  // Several messages may have come at once: the socket is silent then, and they are here.
  if (!waiting_.has_value()) waiting_ = reader_.next();
  if (waiting_.has_value()) return true;
  pollfd wanted{channel_.get(), POLLIN, 0};
  return ::poll(&wanted, 1, static_cast<int>(patience.count())) > 0;
}

std::optional<v1alpha1::FromRunner> RunnerUnderTest::receive(std::chrono::seconds patience) {
  for (;;) {
    if (!waiting_.has_value()) waiting_ = reader_.next();
    if (const auto bytes = std::exchange(waiting_, std::nullopt); bytes.has_value()) {
      v1alpha1::FromRunner message;
      EXPECT_TRUE(message.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())));
      return message;
    }
    if (!speaks(patience)) {
      ADD_FAILURE() << "the runner says nothing";
      return std::nullopt;
    }
    std::array<char, 64 << 10> buffer;
    const ssize_t count = ::recv(channel_.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) return std::nullopt;
    EXPECT_TRUE(reader_.feed({buffer.data(), static_cast<std::size_t>(count)}).ok());
  }
}

std::optional<v1alpha1::FromRunner> RunnerUnderTest::wait_for(
    v1alpha1::FromRunner::MessageCase wanted,
    const std::function<void(const v1alpha1::FromRunner&)>& others) {
  while (auto message = receive()) {
    if (message->message_case() == wanted) return message;
    if (others) others(*message);
    if (message->message_case() == v1alpha1::FromRunner::kFailed) {
      ADD_FAILURE() << message->failed().failure().ShortDebugString();
      return std::nullopt;
    }
  }
  return std::nullopt;
}

int RunnerUnderTest::wait_for_end() {
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return status;
}

}  // namespace millrace::runner
