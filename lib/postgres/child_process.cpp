#include "lib/postgres/child_process.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "lib/process/owned_fd.h"

namespace millrace::postgres {
namespace {

using process::OwnedFd;

constexpr std::size_t kMaxOutput = 64 * 1024;

Error system_error(const std::string& what, int number) {
  return Error{ErrorClass::kInfrastructure, "postgres.system",
               what + ": " + std::string(std::strerror(number))};
}

}  // namespace

Result<process::Handle> start_child(const ChildOptions& options) {
  process::StartOptions start;
  start.program = options.argv.front();
  start.arguments.assign(options.argv.begin() + 1, options.argv.end());
  start.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"};
  if (!options.directory.empty()) start.folder = options.directory;
  start.descriptors = {options.standard_input, options.standard_output, options.standard_output};
  if (options.kept_open != process::StartOptions::kNull)
    start.descriptors.push_back(options.kept_open);
  if (options.own_session) start.group = process::Group::kOwnSession;
  start.user = options.user;
  start.umask = 0077;
  start.signal_at_parents_end = options.parent_death_signal;
  auto started = process::start(start);
  if (const auto* fault = std::get_if<process::StartFault>(&started))
    return Error{ErrorClass::kInfrastructure, "postgres.system",
                 "can't start \"" + start.program + "\": " + process::to_text(*fault)};
  return std::get<process::Handle>(std::move(started));
}

Result<ChildResult> run_child(ChildOptions options, const std::string& input, Micros timeout) {
  // A memory file and not a pipe: nothing to interleave, and a child that doesn't read can't block
  // us.
  const OwnedFd source(::memfd_create("input", MFD_CLOEXEC));
  const OwnedFd sink(::memfd_create("output", MFD_CLOEXEC));
  if (!source || !sink) return system_error("memfd_create", errno);
  if (::write(source.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()))
    return system_error("write", errno);
  ::lseek(source.get(), 0, SEEK_SET);
  options.standard_input = source.get();
  options.standard_output = sink.get();
  MILLRACE_TRY(child, start_child(options));
  if (!child.wait(timeout)) {
    child.signal(SIGKILL);
    child.wait(seconds(10));
    child.reap();
    return Error{ErrorClass::kInfrastructure, "postgres.timeout",
                 "\"" + options.argv.front() + "\" did not end in time"};
  }
  ChildResult result;
  result.exit_code = child.reap().value_or(process::End{}).shell_code();
  const off_t size = ::lseek(sink.get(), 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - static_cast<off_t>(kMaxOutput));
  result.output.resize(static_cast<std::size_t>(std::max<off_t>(0, size - start)));
  const ssize_t got = ::pread(sink.get(), result.output.data(), result.output.size(), start);
  result.output.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  return result;
}

}  // namespace millrace::postgres
