#include "scheduler/api/bodies.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace millrace::api {

scheduler::BodyHash hash_of_body(std::string_view content) {
  scheduler::BodyHash hash{};
  unsigned int size = 0;
  const int done =
      EVP_Digest(content.data(), content.size(), hash.data(), &size, EVP_sha256(), nullptr);
  MILLRACE_CHECK(done == 1 && size == hash.size(), "SHA-256 is not to be had");
  return hash;
}

Result<Bodies::Text> Bodies::get(const scheduler::BodyHash& hash) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = by_hash_.find(hash); known != by_hash_.end()) {
      latest_.splice(latest_.begin(), latest_, known->second);
      return known->second->second;
    }
  }
  MILLRACE_TRY(read, reads_.body(hash));
  if (!read)
    return Error{ErrorClass::kInfrastructure, "body.lost",
                 "a body that a document names is not in the store"};
  auto text = std::make_shared<const std::string>(std::move(*read));
  const std::lock_guard lock(mutex_);
  if (!by_hash_.contains(hash)) {
    latest_.emplace_front(hash, text);
    by_hash_[hash] = latest_.begin();
    bytes_ += text->size();
    while (bytes_ > max_bytes_ && latest_.size() > 1) {
      bytes_ -= latest_.back().second->size();
      by_hash_.erase(latest_.back().first);
      latest_.pop_back();
    }
  }
  return Text(std::move(text));
}

}  // namespace millrace::api
