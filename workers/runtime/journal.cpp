#include "workers/runtime/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "base/contents.h"
#include "lib/process/handle.h"
#include "lib/process/stat.h"
#include "workers/runtime/types.h"

namespace millrace::runtime {
namespace {

constexpr std::size_t kLinesBeforeRewrite = 1'024;
constexpr Micros kEndingLimit = seconds(5);

Error failed(const char* what, const std::filesystem::path& path) {
  return {ErrorClass::kInfrastructure, "worker.state_failed",
          std::string(what) + " \"" + path.string() + "\": " + std::strerror(errno), "", ""};
}

std::string boot_id() {
  std::string id = contents_of_file("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::string line_of(const ProcessGroup& group) {
  return "group " + std::to_string(group.pgid) + " " + std::to_string(group.start_ticks) + " " +
         std::to_string(group.session) + "\n";
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

// Kills `pid` and waits until it has ended. The handle holds on to the process that the table
// showed.
bool end_process(pid_t pid, const ProcessTable& processes, Monotonic deadline) {
  const auto handle = process::Handle::of(pid);
  const auto now = process::read_stat(pid);
  if (!now || now->start_ticks != processes.find(pid)->start_ticks)
    return true;  // it ended, and its number is nobody's or another's
  return handle && handle->signal(SIGKILL) && handle->wait(deadline - monotonic_now());
}

bool end_groups(const std::map<pid_t, ProcessGroup>& groups, telemetry::Log& log) {
  const Monotonic deadline = monotonic_now() + kEndingLimit;
  // A member may have forked while we looked: again, until a look finds none.
  for (bool found = true; found;) {
    found = false;
    const ProcessTable processes = ProcessTable::read();
    for (const auto& [pgid, group] : groups) {
      for (const pid_t pid : members_of(group, processes)) {
        found = true;
        log.warn("ending a process of the former incarnation",
                 {{"pid", std::to_string(pid)}, {"group", std::to_string(pgid)}});
        if (!end_process(pid, processes, deadline)) return false;
      }
    }
    if (found && monotonic_now() > deadline) return false;
  }
  return true;
}

}  // namespace

JournalContent parse_journal(std::string_view text) {
  JournalContent content;
  const std::size_t whole = text.rfind('\n');
  std::istringstream lines(
      std::string(text.substr(0, whole == std::string_view::npos ? 0 : whole + 1)));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "boot") {
      words >> content.boot;
    } else if (verb == "incarnation") {
      std::string id;
      words >> id;
      content.incarnation = RawId::parse(id).value_or(RawId());
    } else if (verb == "group") {
      ProcessGroup group;
      if (words >> group.pgid >> group.start_ticks >> group.session && group.pgid > 1)
        content.groups[group.pgid] = group;
    } else if (verb == "end") {
      pid_t pgid = 0;
      if (words >> pgid) content.groups.erase(pgid);
    }
  }
  return content;
}

std::vector<pid_t> members_of(const ProcessGroup& group, const ProcessTable& processes) {
  const ProcessStat* leader = processes.find(group.pgid);
  // Another process has the number. As long as a group has members no new process gets its number,
  // so the recorded one is empty.
  if (leader != nullptr && leader->start_ticks != group.start_ticks) return {};
  std::vector<pid_t> pids;
  for (const ProcessStat& process : processes.all()) {
    if (process.group != group.pgid || process.state == 'Z') continue;
    if (leader != nullptr || process.session == group.session || process.session == group.pgid)
      pids.push_back(process.pid);
  }
  return pids;
}

Result<Journal> Journal::open(const std::filesystem::path& state_dir, RawId incarnation,
                              telemetry::Log& log) {
  std::error_code code;
  std::filesystem::create_directories(state_dir, code);
  Journal journal(log);
  journal.file_ = state_dir / "process-groups";
  journal.lock_ = process::OwnedFd(
      ::open((state_dir / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!journal.lock_) return failed("cannot open", state_dir / "lock");
  if (::flock(journal.lock_.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorClass::kUser, "worker.state_in_use",
                 "another worker uses \"" + state_dir.string() + "\"",
                 "stop it, or give this one a --state-dir of its own"};
  const JournalContent before = parse_journal(contents_of_file(journal.file_));
  if (before.boot != boot_id() || end_groups(before.groups, log))
    journal.ended_ = before.incarnation;
  else
    journal.groups_ = before.groups;  // to be ended by the next start, perhaps
  MILLRACE_RETURN_IF_ERROR(journal.begin(incarnation));
  return journal;
}

Status Journal::begin(RawId incarnation) {
  head_ = "boot " + boot_id() + "\nincarnation " + incarnation.to_text() + "\n";
  return rewrite();
}

// Beside, and renamed: the journal is whole at every moment.
Status Journal::rewrite() {
  const std::filesystem::path beside = file_.string() + ".new";
  std::string text = head_;
  for (const auto& [pgid, group] : groups_) text += line_of(group);
  process::OwnedFd fd(
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!fd || !write_all(fd.get(), text) || ::fdatasync(fd.get()) != 0 ||
      ::rename(beside.c_str(), file_.c_str()) != 0)
    return failed("cannot write", beside);
  fd_ = std::move(fd);
  lines_ = groups_.size();
  return ok_status();
}

Status Journal::append(const std::string& line, bool sync) {
  if (++lines_ > kLinesBeforeRewrite && groups_.size() < kLinesBeforeRewrite / 2) return rewrite();
  if (!write_all(fd_.get(), line) || (sync && ::fdatasync(fd_.get()) != 0))
    return failed("cannot write", file_);
  return ok_status();
}

Status Journal::record(const ProcessGroup& group) {
  groups_[group.pgid] = group;
  return append(line_of(group), true);
}

void Journal::forget(pid_t pgid) {
  if (groups_.erase(pgid) == 0) return;
  // Not synced: a line that is lost names a group that is gone, or was never this one.
  if (const Status status = append("end " + std::to_string(pgid) + "\n", false); !status.ok())
    log_->error("journal", {{"error", status.error().to_text()}});
}

}  // namespace millrace::runtime
