#include "workers/runtime/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "lib/process/owned_fd.h"

namespace millrace::runtime {
namespace {

// A small file of /proc, whole.
std::optional<std::string> slurp(const std::string& path) {
  const process::OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string text(8192, '\0');
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string proc(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

template <typename Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

// The value of "Name:\t  1234 kB".
Bytes kilobytes_of(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    if (at > 0 && text[at - 1] != '\n') continue;
    const std::size_t digits = text.find_first_of("0123456789", at + name.size());
    if (digits == std::string_view::npos) break;
    std::int64_t value = 0;
    std::from_chars(text.data() + digits, text.data() + text.size(), value);
    return Bytes(value << 10);
  }
  return Bytes(0);
}

}  // namespace

MemoryUse parse_memory(std::string_view text) {
  return {kilobytes_of(text, "RssAnon:") + kilobytes_of(text, "RssShmem:"),
          kilobytes_of(text, "RssFile:"), kilobytes_of(text, "VmHWM:")};
}

std::optional<MemoryUse> read_memory(pid_t pid) {
  const auto text = slurp(proc(pid, "status"));
  if (!text) return std::nullopt;
  return parse_memory(*text);
}

bool descends_from(pid_t pid, pid_t ancestor) {
  constexpr int kDeepest = 64;
  for (int depth = 0; depth < kDeepest && pid > 1; ++depth) {
    const auto stat = process::read_stat(pid);
    if (!stat) return false;
    if (stat->parent == ancestor) return true;
    pid = stat->parent;
  }
  return false;
}

Micros read_cpu(pid_t pid) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0)
    return Micros(0);
  return Micros(used.tv_sec * 1'000'000 + used.tv_nsec / 1'000);
}

void reset_peak(pid_t pid) {
  const process::OwnedFd fd(::open(proc(pid, "clear_refs").c_str(), O_WRONLY | O_CLOEXEC));
  // Where the kernel does not have it, the peak is the process's own: too high, never too low.
  if (fd) [[maybe_unused]]
    const ssize_t written = ::write(fd.get(), "5", 1);
}

ProcessTable ProcessTable::read() {
  std::vector<ProcessStat> processes;
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr) return ProcessTable({});
  while (const dirent* entry = ::readdir(folder)) {
    pid_t pid = 0;
    if (!parse_number(std::string_view(entry->d_name), pid)) continue;
    if (const auto stat = process::read_stat(pid)) processes.push_back(*stat);
  }
  ::closedir(folder);
  return ProcessTable(std::move(processes));
}

ProcessTable::ProcessTable(std::vector<ProcessStat> processes) : processes_(std::move(processes)) {
  std::sort(processes_.begin(), processes_.end(), [](const ProcessStat& a, const ProcessStat& b) {
    return std::pair(a.parent, a.pid) < std::pair(b.parent, b.pid);
  });
}

std::vector<pid_t> ProcessTable::children(pid_t parent) const {
  std::vector<pid_t> pids;
  auto it = std::lower_bound(processes_.begin(), processes_.end(), parent,
                             [](const ProcessStat& stat, pid_t pid) { return stat.parent < pid; });
  for (; it != processes_.end() && it->parent == parent; ++it) pids.push_back(it->pid);
  return pids;
}

const ProcessStat* ProcessTable::find(pid_t pid) const {
  const auto it = std::find_if(processes_.begin(), processes_.end(),
                               [&](const ProcessStat& stat) { return stat.pid == pid; });
  return it == processes_.end() ? nullptr : &*it;
}

std::vector<pid_t> ProcessTable::tree(pid_t root) const {
  std::vector<pid_t> pids{root};
  // A snapshot that is not atomic could hold a cycle: no tree has more members than there are
  // processes.
  for (std::size_t i = 0; i < pids.size() && pids.size() <= processes_.size(); ++i)
    for (const pid_t child : children(pids[i])) pids.push_back(child);
  return pids;
}

}  // namespace millrace::runtime
