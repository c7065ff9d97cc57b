// Bodies: texts by their hash, out of the store, with the latest kept in memory. A hash names one
// text for ever, so nothing here goes stale. Thread-safe; blocks on the store.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/recently_used.h"
#include "base/result.h"
#include "scheduler/api/ports.h"

namespace millrace::api {

scheduler::BodyHash hash_of_body(std::string_view content);

class Bodies {
 public:
  using Text = std::shared_ptr<const std::string>;
  explicit Bodies(Reads& reads, std::size_t max_bytes = 32 << 20)
      : reads_(reads), latest_(max_bytes) {}

  // The text, if it is in memory; null otherwise. Does not block.
  Text find(const scheduler::BodyHash& hash) { return latest_.find(hash); }
  // Errors: those of Reads, and body.lost (infrastructure) when the store has no such text.
  Result<Text> get(const scheduler::BodyHash& hash);

 private:
  Reads& reads_;
  RecentlyUsed<scheduler::BodyHash, std::string> latest_;
};

}  // namespace millrace::api
