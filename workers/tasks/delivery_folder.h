// DeliveryFolder: a folder below which a delivery's files are made, held open. Every step is taken
// from it to a name in it and never through a symbolic link, so nothing that others put there, now
// or meanwhile, leads out of it.
//
// What stands under a name that a delivery needs, and is something else, is the person's affair:
// deliver.name_taken (user). Other errors: file.failed (infrastructure), disk.full.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "lib/process/owned_fd.h"

namespace millrace::tasks {

class DeliveryFolder {
 public:
  // A folder by its path without links, as kernel::make_folder_below gives it. Error:
  // source.outside_roots (policy) where what is opened lies elsewhere by now.
  static Result<DeliveryFolder> open(const std::string& path);

  // A folder in it; nothing where none is.
  Result<std::optional<DeliveryFolder>> find(const std::string& name) const;
  // The same, made when it is not there.
  Result<DeliveryFolder> make(const std::string& name) const;
  // A regular file in it, opened; nothing where none is. With O_CREAT in `flags` it is made.
  Result<std::optional<process::OwnedFd>> open_file(const std::string& name, int flags) const;
  // Whether there is anything under the name.
  bool has(const std::string& name) const;
  std::vector<std::string> names() const;

  // Moves a file from here to `to`, if nothing is there under that name. 0 or an errno: ENOENT
  // where it is not here, EEXIST where the name is taken.
  int move_new(const std::string& name, const DeliveryFolder& to,
               const std::string& new_name) const;
  // The same, in place of what is there.
  int move_over(const std::string& name, const DeliveryFolder& to,
                const std::string& new_name) const;
  // No more than wishes: a file; a folder with all that is in it; a folder if it is empty.
  void remove_file(const std::string& name) const;
  void remove_tree(const std::string& name) const;
  void remove_empty(const std::string& name) const;
  Status sync() const;

  // A path of a name in it that the kernel takes from this very folder, for those who want a path.
  std::string way_to(const std::string& name) const;
  // The path for people.
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

 private:
  DeliveryFolder(process::OwnedFd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}
  Error name_taken(const std::string& name, const std::string& wanted) const;

  process::OwnedFd fd_;
  std::string path_;
};

}  // namespace millrace::tasks
