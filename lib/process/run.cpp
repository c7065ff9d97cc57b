#include "lib/process/run.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/process/owned_fd.h"

namespace millrace::process {
namespace {

constexpr off_t kMaxOutput = off_t{64} * 1024;

std::string end_of(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - kMaxOutput);
  std::string text(static_cast<std::size_t>(std::max<off_t>(0, size - start)), '\0');
  const ssize_t got = ::pread(fd, text.data(), text.size(), start);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  return text;
}

}  // namespace

std::variant<Ran, RunFault> run(StartOptions options, std::string_view input, Micros limit) {
  const auto failed = [] { return StartFault{StartFault::Step::kDescriptors, errno}; };
  // Memory files and no pipes: nothing to interleave, and a child that doesn't read can't block us.
  const OwnedFd source(::memfd_create("input", MFD_CLOEXEC));
  const OwnedFd sink(::memfd_create("output", MFD_CLOEXEC));
  if (!source || !sink) return failed();
  if (::write(source.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()))
    return failed();
  ::lseek(source.get(), 0, SEEK_SET);
  options.descriptors.resize(std::max<std::size_t>(3, options.descriptors.size()),
                             StartOptions::kNull);
  options.descriptors[0] = source.get();
  options.descriptors[1] = options.descriptors[2] = sink.get();
  auto started = start(options);
  if (const auto* fault = std::get_if<StartFault>(&started)) return *fault;
  const Handle& child = std::get<Handle>(started);
  const bool in_time = child.wait(limit);
  if (!in_time) child.signal(SIGKILL);
  const std::optional<End> end = child.reap();
  if (!in_time) return TimedOut{};
  return Ran{end.value_or(End{}).shell_code(), end_of(sink.get())};
}

}  // namespace millrace::process
