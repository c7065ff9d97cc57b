#include "scheduler/main/local_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <ranges>
#include <string_view>

#include "lib/process/owned_fd.h"

namespace millrace::scheduler {
namespace {

using process::OwnedFd;

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr int kMostDeep = 32;  // below a prefix lie a dataset's folder and files
constexpr std::size_t kLongestName = 63;

Error failed(std::string_view what, std::string_view path, int number) {
  return {
      ErrorClass::kInfrastructure, "sweep.failed",
      "cannot " + std::string(what) + " \"" + std::string(path) + "\": " + std::strerror(number),
      "see to who may write there"};
}
Error not_ours(std::string_view path) {
  return {ErrorClass::kInfrastructure, "sweep.not_ours",
          "\"" + std::string(path) + "\" does not stay below the data root: it is left alone"};
}
bool leads_out(int number) { return number == ELOOP || number == ENOTDIR; }

// The parts of a relative path that stays below where it starts; none when it does not.
std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  if (path.find('\0') != std::string_view::npos) return {};
  for (const auto part : std::views::split(path, '/')) {
    const std::string_view name(part.begin(), part.end());
    if (name.empty() || name == "." || name == "..") return {};
    parts.emplace_back(name);
  }
  return parts;
}

// The folder below `root` that `parts` lead to. Without a descriptor: it is not there.
Result<OwnedFd> open_below(OwnedFd root, std::span<const std::string> parts) {
  OwnedFd at = std::move(root);
  for (const std::string& part : parts) {
    if (!at) break;
    OwnedFd next(::openat(at.get(), part.c_str(), kFolder | O_NOFOLLOW));
    if (!next && leads_out(errno)) return not_ours(part);
    if (!next && errno != ENOENT) return failed("open", part, errno);
    at = std::move(next);
  }
  return at;
}

Result<OwnedFd> open_root(const std::filesystem::path& root) {
  OwnedFd fd(::open(root.c_str(), kFolder));
  if (!fd && errno != ENOENT) return failed("open", root.native(), errno);
  return fd;
}

Result<std::vector<std::string>> names_in(int folder) {
  const int copy = ::openat(folder, ".", kFolder);
  if (copy < 0) return failed("read", ".", errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::fdopendir(copy), &::closedir);
  if (open == nullptr) return failed("read", ".", errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failed("read", ".", errno);
  return names;
}

// Everything at `name`, whatever it is. Links go; what they lead to stays.
Status remove_tree(int parent, const std::string& name, int depth) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return ok_status();
  if (errno != EISDIR && errno != EPERM) return failed("delete", name, errno);
  if (depth == kMostDeep) return not_ours(name);
  const OwnedFd folder(::openat(parent, name.c_str(), kFolder | O_NOFOLLOW));
  if (!folder) return failed("open", name, errno);
  MILLRACE_TRY(names, names_in(folder.get()));
  for (const std::string& each : names)
    MILLRACE_RETURN_IF_ERROR(remove_tree(folder.get(), each, depth + 1));
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return ok_status();
  return failed("delete", name, errno);
}

bool is_namespace(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName && name.front() != '-' &&
         name.front() != '.' && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

template <typename Number>
std::optional<Number> number_of(const std::string& name) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (failure != std::errc() || std::to_string(number) != name) return std::nullopt;
  return number;
}

// One folder's names that are numbers, in order.
template <typename Number>
Result<std::vector<Number>> numbers_in(int folder) {
  MILLRACE_TRY(names, names_in(folder));
  std::vector<Number> numbers;
  for (const std::string& name : names)
    if (const auto number = number_of<Number>(name)) numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// Runs that have a folder there, in order.
Result<std::vector<RunId>> runs_in(int folder) {
  MILLRACE_TRY(names, names_in(folder));
  std::vector<RunId> ids;
  for (const std::string& name : names) {
    const auto id = RunId::parse(name);
    if (id && id->to_text() == name) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Without a descriptor: no folder, or gone.
OwnedFd folder_in(int folder, const std::string& name) {
  return OwnedFd(::openat(folder, name.c_str(), kFolder | O_NOFOLLOW));
}

// Walks the tree of prefixes, a level a function, and stops when it has enough.
class Walk {
 public:
  Walk(const std::optional<AttemptPrefix>& after, std::size_t limit)
      : after_(after), limit_(limit) {}

  Status namespaces(int root) {
    MILLRACE_TRY(names, names_in(root));
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      if (full()) break;
      if (!is_namespace(name) || (after_ && name < after_->ns)) continue;
      const OwnedFd folder = folder_in(root, name);
      if (folder) MILLRACE_RETURN_IF_ERROR(runs(folder.get(), name));
    }
    return ok_status();
  }
  std::vector<AttemptPrefix> take() { return std::move(found_); }

 private:
  Status runs(int folder, const std::string& ns) {
    MILLRACE_TRY(ids, runs_in(folder));
    for (const RunId& run : ids) {
      if (full()) break;
      if (after_ && ns == after_->ns && run < after_->run) continue;
      const OwnedFd open = folder_in(folder, run.to_text());
      if (open) MILLRACE_RETURN_IF_ERROR(tasks(open.get(), ns, run));
    }
    return ok_status();
  }

  Status tasks(int folder, const std::string& ns, RunId run) {
    MILLRACE_TRY(indexes, numbers_in<std::uint32_t>(folder));
    for (const std::uint32_t task : indexes) {
      const OwnedFd open = folder_in(folder, std::to_string(task));
      if (!open) continue;
      MILLRACE_TRY(epochs, numbers_in<std::uint64_t>(open.get()));
      for (const std::uint64_t epoch : epochs) {
        AttemptPrefix prefix{ns, run, TaskIndex(task), Epoch(epoch)};
        if (!full() && (!after_ || prefix > *after_)) found_.push_back(std::move(prefix));
      }
    }
    return ok_status();
  }

  bool full() const { return found_.size() >= limit_; }

  const std::optional<AttemptPrefix>& after_;
  const std::size_t limit_;
  std::vector<AttemptPrefix> found_;
};

}  // namespace

Result<std::vector<AttemptPrefix>> LocalFolder::attempts(const std::optional<AttemptPrefix>& after,
                                                         std::size_t limit) {
  MILLRACE_TRY(root, open_root(root_));
  if (!root) return std::vector<AttemptPrefix>();
  Walk walk(after, limit);
  MILLRACE_RETURN_IF_ERROR(walk.namespaces(root.get()));
  return walk.take();
}

Status LocalFolder::remove(const std::string& file) {
  const std::vector<std::string> parts = parts_of(file);
  if (parts.empty()) return not_ours(file);
  MILLRACE_TRY(root, open_root(root_));
  auto folder = open_below(std::move(root), std::span(parts).first(parts.size() - 1));
  if (!folder.ok()) return not_ours(file);
  if (!*folder || ::unlinkat(folder->get(), parts.back().c_str(), 0) == 0 || errno == ENOENT)
    return ok_status();
  return failed("delete", file, errno);
}

Status LocalFolder::remove(const AttemptPrefix& prefix, bool run_over) {
  const std::vector<std::string> parts = parts_of(prefix.path());
  if (parts.size() != 4) return not_ours(prefix.path());
  OwnedFd folders[3];  // of the namespace, the run, the task
  MILLRACE_TRY(at, open_root(root_));
  for (std::size_t i = 0; i < 3; ++i) {
    if (!at) return ok_status();
    folders[i] = std::move(at);
    auto next = open_below(OwnedFd(::dup(folders[i].get())), std::span(parts).subspan(i, 1));
    if (!next.ok()) return not_ours(prefix.path());
    at = std::move(*next);
  }
  if (!at) return ok_status();
  MILLRACE_RETURN_IF_ERROR(remove_tree(at.get(), parts[3], 0));
  // Those that hold something else stay.
  if (run_over && ::unlinkat(folders[2].get(), parts[2].c_str(), AT_REMOVEDIR) == 0)
    ::unlinkat(folders[1].get(), parts[1].c_str(), AT_REMOVEDIR);
  return ok_status();
}

Result<std::vector<LocalFolder::RunFolder>> LocalFolder::runs_before(RunId before,
                                                                     std::size_t limit) const {
  std::vector<RunFolder> found;
  MILLRACE_TRY(root, open_root(root_));
  if (!root) return found;
  MILLRACE_TRY(names, names_in(root.get()));
  std::sort(names.begin(), names.end());
  for (const std::string& ns : names) {
    const OwnedFd folder = is_namespace(ns) ? folder_in(root.get(), ns) : OwnedFd();
    if (!folder) continue;
    MILLRACE_TRY(runs, runs_in(folder.get()));
    for (const RunId& run : runs) {
      if (run >= before || found.size() == limit) break;
      found.push_back({ns, run});
    }
  }
  return found;
}

Status LocalFolder::remove(const RunFolder& folder) const {
  if (!is_namespace(folder.ns)) return not_ours(folder.ns);
  MILLRACE_TRY(root, open_root(root_));
  if (!root) return ok_status();
  MILLRACE_TRY(ns, open_below(std::move(root), std::span(&folder.ns, 1)));
  return ns ? remove_tree(ns.get(), folder.run.to_text(), 0) : ok_status();
}

}  // namespace millrace::scheduler
