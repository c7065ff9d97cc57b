// LookupMap: a hash map that cannot be iterated, so that hash order never decides anything. Where
// an order is needed, keep a std::map or a vector beside it.
#pragma once

#include <unordered_map>
#include <utility>

namespace millrace {

template <typename Key, typename Value>
class LookupMap {
 public:
  Value* find(const Key& key) {
    const auto it = map_.find(key);
    return it == map_.end() ? nullptr : &it->second;
  }
  const Value* find(const Key& key) const {
    const auto it = map_.find(key);
    return it == map_.end() ? nullptr : &it->second;
  }
  bool contains(const Key& key) const { return map_.contains(key); }
  Value& operator[](const Key& key) { return map_[key]; }
  // False, and nothing changed, when the key is there already.
  bool insert(Key key, Value value) {
    return map_.emplace(std::move(key), std::move(value)).second;
  }
  bool erase(const Key& key) { return map_.erase(key) > 0; }
  std::size_t size() const { return map_.size(); }
  bool empty() const { return map_.empty(); }
  void clear() { map_.clear(); }

 private:
  std::unordered_map<Key, Value> map_;
};

}  // namespace millrace
