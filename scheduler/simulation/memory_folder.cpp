#include "scheduler/simulation/memory_folder.h"

namespace millrace::simulation {

using scheduler::AttemptPrefix;

void MemoryFolder::write(const AttemptPrefix& attempt, const std::string& file) {
  files_[attempt].insert(file);
  owners_.emplace(file, attempt);
}

Result<std::vector<AttemptPrefix>> MemoryFolder::attempts(const std::optional<AttemptPrefix>& after,
                                                          std::size_t limit) {
  std::vector<AttemptPrefix> found;
  for (auto it = after ? files_.upper_bound(*after) : files_.begin();
       it != files_.end() && found.size() < limit; ++it)
    found.push_back(it->first);
  return found;
}

Status MemoryFolder::remove(const std::string& file) {
  const auto owner = owners_.find(file);
  if (owner == owners_.end()) return ok_status();
  on_remove(owner->second, file);
  files_[owner->second].erase(file);
  owners_.erase(owner);
  return ok_status();
}

Status MemoryFolder::remove(const AttemptPrefix& prefix, bool) {
  const auto it = files_.find(prefix);
  if (it == files_.end()) return ok_status();
  for (const std::string& file : it->second) {
    on_remove(prefix, file);
    owners_.erase(file);
  }
  files_.erase(it);
  return ok_status();
}

std::set<std::string> MemoryFolder::files() const {
  std::set<std::string> all;
  for (const auto& [file, owner] : owners_) all.insert(file);
  return all;
}

}  // namespace millrace::simulation
