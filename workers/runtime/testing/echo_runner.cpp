// A runner for the tests of the worker: speaks the runner protocol, and does what the task's body
// says:
//
//   {"do": "succeed", "files": 3, "say": "text"}   that many file rows; `say` goes to standard
//   output
//   {"do": "fail", "code": "a.b"}
//   {"do": "wait", "file": "/path"}                 succeeds once the file is there; minds Cancel
//   {"do": "ignore"}                                minds nothing but its lease
//   {"do": "crash", "say": "last words"}            by SIGABRT
//   {"do": "crash", "say_bytes": [255, 0]}          what is no text; with any "do"
//   {"do": "grow", "mebibytes": 200}                uses that much memory, then waits
//   {"do": "command"}                               starts a process group that outlives the
//   runner, then waits
//   {"do": "daemon"}                                leaves a process behind in a session of its
//   own; succeeds
//   {"do": "nonsense"}                              sends what is no message
//
// Unless it waits it ends at once; outputs_json tells its pid and how many attempts it has served.
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lib/ipc/files_checksum.h"
#include "lib/ipc/frame.h"
#include "lib/ipc/runner_exit.h"
#include "millrace/runner/v1alpha1/runner.pb.h"
#include "workers/runtime/process_table.h"
#include "workers/runtime/types.h"

namespace millrace::runtime {
namespace {

using runner::v1alpha1::FromRunner;
using runner::v1alpha1::ToRunner;

constexpr int kChannel = 3;

void send(const FromRunner& message) {
  std::string wire;
  MILLRACE_CHECK(ipc::append_frame(message.SerializeAsString(), wire).ok(), "too large");
  std::string_view rest(wire);
  while (!rest.empty()) {
    const ssize_t size = ::send(kChannel, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (size <= 0) ::_exit(0);
    rest.remove_prefix(static_cast<std::size_t>(size));
  }
}

class EchoRunner {
 public:
  int serve() {
    FromRunner ready;
    ready.mutable_ready()->set_version("test");
    ready.mutable_ready()->set_pid(::getpid());
    send(ready);
    while (true) {
      if (busy_ && monotonic_now() >= deadline_) ::_exit(ipc::kLeasePassedExit);
      if (waiting_for_ && std::filesystem::exists(*waiting_for_)) succeed(0);
      pollfd channel{kChannel, POLLIN, 0};
      if (::poll(&channel, 1, busy_ ? 5 : -1) <= 0) continue;
      std::array<char, 65536> buffer;
      const ssize_t size = ::read(kChannel, buffer.data(), buffer.size());
      if (size <= 0) return 0;
      if (!reader_.feed({buffer.data(), static_cast<std::size_t>(size)}).ok()) return 1;
      while (const auto frame = reader_.next()) {
        ToRunner message;
        if (!message.ParseFromArray(frame->data(), static_cast<int>(frame->size()))) return 1;
        take(message);
      }
    }
  }

 private:
  void take(const ToRunner& message) {
    switch (message.message_case()) {
      case ToRunner::kAssign:
        epoch_ = message.assign().description().attempt().epoch();
        deadline_ = Monotonic(message.assign().lease_deadline_monotonic_us());
        prefix_ = message.assign().output_prefix();
        scratch_ = message.assign().scratch_dir();
        body_ = message.assign().description().body_json();
        busy_ = true;
        if (!message.assign().more()) begin();
        return;
      case ToRunner::kMore:
        body_ += message.more().description().body_json();
        if (!message.more().more()) begin();
        return;
      case ToRunner::kRenew:
        if (message.renew().epoch() == epoch_)
          deadline_ = Monotonic(message.renew().lease_deadline_monotonic_us());
        return;
      case ToRunner::kCancel:
        if (message.cancel().epoch() == epoch_ && waiting_for_) fail("User", "attempt.cancelled");
        return;
      case ToRunner::MESSAGE_NOT_SET:
        return;
    }
  }

  void begin() {
    ++served_;
    FromRunner message;
    message.mutable_started()->set_epoch(epoch_);
    message.mutable_started()->set_monotonic_us(monotonic_now().value());
    send(message);
    MILLRACE_CHECK(std::filesystem::is_empty(scratch_), "scratch is not empty");
    const auto body = nlohmann::json::parse(body_);
    if (const std::string say = body.value("say", ""); !say.empty()) {
      std::puts(say.c_str());
      std::fflush(stdout);
    }
    for (const int byte : body.value("say_bytes", std::vector<int>())) std::putchar(byte);
    std::fflush(stdout);
    const std::string what = body.at("do");
    if (what != "succeed") std::ofstream(scratch_ + "/spill") << std::string(4096, 's');
    if (what == "succeed") return succeed(body.value("files", 0));
    if (what == "fail") return fail("User", body.at("code"));
    if (what == "wait") waiting_for_ = body.at("file");
    if (what == "crash") ::raise(SIGABRT);
    if (what == "grow") grow(body.at("mebibytes"));
    if (what == "command") return command();
    if (what == "daemon") return daemon();
    if (what == "nonsense") [[maybe_unused]]
      const ssize_t size = ::write(kChannel, "\xff\xff\xff\xff", 4);
  }

  void succeed(int files) {
    ipc::FilesChecksum checksum;
    FromRunner message;
    for (int i = 0; i < files; ++i) {
      message.Clear();
      message.mutable_file_page()->set_epoch(epoch_);
      auto& row = *message.mutable_file_page()->mutable_page()->add_files();
      row.set_path(prefix_ + "/part-" + std::to_string(i));
      row.set_checksum("xxh64:0");
      checksum.add(row.path(), row.checksum());
      send(message);
    }
    message.Clear();
    auto& succeeded = *message.mutable_succeeded();
    succeeded.set_epoch(epoch_);
    succeeded.mutable_usage()->set_rows_read(17);
    auto& success = *succeeded.mutable_success();
    success.set_file_count(static_cast<std::uint32_t>(files));
    success.set_files_checksum(checksum.text());
    success.set_outputs_json(nlohmann::json{{"pid", ::getpid()}, {"served", served_}}.dump());
    idle();
    send(message);
  }

  void fail(const std::string& error_class, const std::string& code) {
    FromRunner message;
    message.mutable_failed()->set_epoch(epoch_);
    message.mutable_failed()->mutable_failure()->set_error_class(error_class);
    message.mutable_failed()->mutable_failure()->set_code(code);
    idle();
    send(message);
  }

  void idle() {
    busy_ = false;
    waiting_for_.reset();
  }

  static void grow(std::size_t mebibytes) {
    const std::size_t size = mebibytes << 20;
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, size);
  }

  // As a command that forgot PR_SET_PDEATHSIG: only the journal can end it.
  void command() {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::setpgid(0, 0);
      ::close(kChannel);
      while (true) ::pause();
    }
    ::setpgid(pid, pid);
    FromRunner message;
    message.mutable_process_group()->set_epoch(epoch_);
    message.mutable_process_group()->set_pgid(pid);
    if (const auto stat = process::read_stat(pid))
      message.mutable_process_group()->set_start_time_ticks(
          static_cast<std::int64_t>(stat->start_ticks));
    send(message);
    FromRunner progress;
    progress.mutable_progress()->set_epoch(epoch_);
    progress.mutable_progress()->mutable_progress()->set_rows(pid);
    send(progress);
  }

  void daemon() {
    int ready[2];
    MILLRACE_CHECK(::pipe(ready) == 0, "pipe");
    if (::fork() == 0) {
      ::setsid();
      if (const pid_t pid = ::fork(); pid != 0) {
        [[maybe_unused]] const ssize_t size = ::write(ready[1], &pid, sizeof(pid));
        ::_exit(0);
      }
      ::close(kChannel);
      while (true) ::pause();
    }
    pid_t pid = 0;
    [[maybe_unused]] const ssize_t size = ::read(ready[0], &pid, sizeof(pid));
    FromRunner message;
    message.mutable_process_group()->set_epoch(
        epoch_);  // it had children; none is left of its group
    send(message);
    message.Clear();
    message.mutable_succeeded()->set_epoch(epoch_);
    message.mutable_succeeded()->mutable_success()->set_outputs_json(
        nlohmann::json{{"daemon", pid}}.dump());
    idle();
    send(message);
  }

  ipc::FrameReader reader_;
  std::uint64_t epoch_ = 0;
  Monotonic deadline_;
  std::string body_;
  std::string prefix_;
  std::string scratch_;
  bool busy_ = false;
  std::optional<std::string> waiting_for_;
  int served_ = 0;
};

}  // namespace
}  // namespace millrace::runtime

int main() { return millrace::runtime::EchoRunner().serve(); }
