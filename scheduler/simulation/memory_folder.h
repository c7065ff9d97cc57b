// MemoryFolder: the folder of data files, in memory.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scheduler/engine/sweeper.h"

namespace millrace::simulation {

class MemoryFolder final : public scheduler::DataFolder {
 public:
  // Told of each file that is about to go.
  std::function<void(const scheduler::AttemptPrefix&, const std::string& file)> on_remove =
      [](const scheduler::AttemptPrefix&, const std::string&) {};

  // `file` is below the prefix.
  void write(const scheduler::AttemptPrefix& attempt, const std::string& file);

  Result<std::vector<scheduler::AttemptPrefix>> attempts(
      const std::optional<scheduler::AttemptPrefix>& after, std::size_t limit) override;
  Status remove(const std::string& file) override;
  Status remove(const scheduler::AttemptPrefix& prefix, bool run_over) override;

  std::set<std::string> files() const;

 private:
  // An empty prefix is a folder that is still there.
  std::map<scheduler::AttemptPrefix, std::set<std::string>> files_;
  std::map<std::string, scheduler::AttemptPrefix> owners_;  // of each file
};

}  // namespace millrace::simulation
