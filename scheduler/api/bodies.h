// Bodies: texts by their hash, out of the store, with the latest kept in memory. A hash names one
// text for ever, so nothing here goes stale. Thread-safe; blocks on the store.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "scheduler/api/ports.h"

namespace millrace::api {

scheduler::BodyHash hash_of_body(std::string_view content);

class Bodies {
 public:
  using Text = std::shared_ptr<const std::string>;
  explicit Bodies(Reads& reads, std::size_t max_bytes = 32 << 20)
      : reads_(reads), max_bytes_(max_bytes) {}

  // Errors: those of Reads, and body.lost (infrastructure) when the store has no such text.
  Result<Text> get(const scheduler::BodyHash& hash);

 private:
  Reads& reads_;
  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::list<std::pair<scheduler::BodyHash, Text>> latest_;  // the latest used first
  std::map<scheduler::BodyHash, std::list<std::pair<scheduler::BodyHash, Text>>::iterator> by_hash_;
  std::size_t bytes_ = 0;
};

}  // namespace millrace::api
