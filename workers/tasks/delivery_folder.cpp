#include "workers/tasks/delivery_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/file_error.h"

namespace millrace::tasks {
namespace {

namespace fs = std::filesystem;

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

std::string way(const process::OwnedFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

}  // namespace

Error DeliveryFolder::name_taken(const std::string& name, const std::string& wanted) const {
  return Error{ErrorClass::kUser, "deliver.name_taken",
               "\"" + path_of(name) + "\" is no " + wanted + ", and a delivery needs one there",
               "move it away, or deliver to a folder of its own"};
}

Result<DeliveryFolder> DeliveryFolder::open(const std::string& path) {
  process::OwnedFd fd(::open(path.c_str(), kFolder));
  if (!fd) return file_error("opening", path, errno);
  std::error_code error;
  if (fs::read_symlink(way(fd), error) != path || error)
    return Error{ErrorClass::kPolicy, "source.outside_roots",
                 "\"" + path + "\" was moved while something was delivered there",
                 "deliver to a folder that stays in its place"};
  return DeliveryFolder(std::move(fd), path);
}

Result<std::optional<DeliveryFolder>> DeliveryFolder::find(const std::string& name) const {
  process::OwnedFd fd(::openat(fd_.get(), name.c_str(), kFolder));
  if (fd) return std::optional(DeliveryFolder(std::move(fd), path_of(name)));
  if (errno == ENOENT) return std::optional<DeliveryFolder>();
  if (errno == ENOTDIR || errno == ELOOP) return name_taken(name, "folder");
  return file_error("opening", path_of(name), errno);
}

Result<DeliveryFolder> DeliveryFolder::make(const std::string& name) const {
  if (::mkdirat(fd_.get(), name.c_str(), 0777) != 0 && errno != EEXIST)
    return file_error("making", path_of(name), errno);
  MILLRACE_TRY(made, find(name));
  if (!made.has_value()) return file_error("opening", path_of(name), ENOENT);
  return *std::move(made);
}

Result<std::optional<process::OwnedFd>> DeliveryFolder::open_file(const std::string& name,
                                                                  int flags) const {
  // Not blocking: the open of a FIFO would wait for its other end.
  process::OwnedFd fd(::openat(fd_.get(), name.c_str(),
                               flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666));
  if (!fd && errno == ENOENT) return std::optional<process::OwnedFd>();
  if (!fd && (errno == ELOOP || errno == EISDIR || errno == ENXIO)) return name_taken(name, "file");
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) return file_error("opening", path_of(name), errno);
  if (!S_ISREG(status.st_mode)) return name_taken(name, "file");
  return std::optional(std::move(fd));
}

bool DeliveryFolder::has(const std::string& name) const {
  return ::faccessat(fd_.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

std::vector<std::string> DeliveryFolder::names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(way(fd_), error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  return names;
}

int DeliveryFolder::move_new(const std::string& name, const DeliveryFolder& to,
                             const std::string& new_name) const {
  if (::renameat2(fd_.get(), name.c_str(), to.fd_.get(), new_name.c_str(), RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system that can't look and move in one step: others deliver here under the same lock.
  return to.has(new_name) ? EEXIST : move_over(name, to, new_name);
}

int DeliveryFolder::move_over(const std::string& name, const DeliveryFolder& to,
                              const std::string& new_name) const {
  return ::renameat(fd_.get(), name.c_str(), to.fd_.get(), new_name.c_str()) == 0 ? 0 : errno;
}

void DeliveryFolder::remove_file(const std::string& name) const {
  ::unlinkat(fd_.get(), name.c_str(), 0);
}

void DeliveryFolder::remove_tree(const std::string& name) const {
  std::error_code ignored;
  fs::remove_all(way_to(name), ignored);  // steps from open folder to open folder as well
}

void DeliveryFolder::remove_empty(const std::string& name) const {
  ::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR);
}

Status DeliveryFolder::sync() const {
  if (::fsync(fd_.get()) != 0) return file_error("writing", path_, errno);
  return ok_status();
}

std::string DeliveryFolder::way_to(const std::string& name) const { return way(fd_) + "/" + name; }

}  // namespace millrace::tasks
