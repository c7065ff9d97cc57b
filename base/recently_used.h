// RecentlyUsed: values by key, as many as fit into a number of bytes; those that were used longest
// ago go first. For what costs a database or a parser to make again and never changes under its
// key.
//
//   if (auto known = cache.find(hash)) return known;
//   return cache.put(hash, make(hash), size);
//
// Thread-safe. Values are shared: one that has gone from here lives as long as it is held.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace millrace {

template <typename Key, typename Value>
class RecentlyUsed {
 public:
  using Shared = std::shared_ptr<const Value>;

  explicit RecentlyUsed(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Null when it is not here.
  Shared find(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto known = by_key_.find(key);
    if (known == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, known->second);
    return known->second->value;
  }

  // The value that stands under the key now: one that came in between stays. One that is larger
  // than all that fits is kept while it is alone.
  Shared put(const Key& key, Value value, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (const auto known = by_key_.find(key); known != by_key_.end()) return known->second->value;
    auto shared = std::make_shared<const Value>(std::move(value));
    entries_.push_front({key, shared, bytes});
    by_key_[key] = entries_.begin();
    bytes_ += bytes;
    while (bytes_ > max_bytes_ && entries_.size() > 1) {
      bytes_ -= entries_.back().bytes;
      by_key_.erase(entries_.back().key);
      entries_.pop_back();
    }
    return shared;
  }

 private:
  struct Entry {
    Key key;
    Shared value;
    std::size_t bytes = 0;
  };

  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the latest used first
  std::map<Key, typename std::list<Entry>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace millrace
