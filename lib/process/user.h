// Users of the operating system, as far as a child is started as one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace millrace::process {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};
// Nothing when there is no such user. Thread-safe.
std::optional<User> find_user(const std::string& name);
std::optional<User> find_user(uid_t uid);

}  // namespace millrace::process
