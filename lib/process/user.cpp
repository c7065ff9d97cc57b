#include "lib/process/user.h"

#include <pwd.h>

#include <vector>

namespace millrace::process {
namespace {

constexpr std::size_t kEntrySize = 16'384;

std::optional<User> to_user(const passwd* entry) {
  if (entry == nullptr) return std::nullopt;
  return User{entry->pw_name, entry->pw_uid, entry->pw_gid};
}

}  // namespace

std::optional<User> find_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(kEntrySize);
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return to_user(found);
}

std::optional<User> find_user(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(kEntrySize);
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  return to_user(found);
}

}  // namespace millrace::process
