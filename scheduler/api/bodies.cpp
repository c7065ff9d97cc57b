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
  if (Text known = latest_.find(hash)) return known;
  MILLRACE_TRY(read, reads_.body(hash));
  if (!read)
    return Error{ErrorClass::kInfrastructure, "body.lost",
                 "a body that a document names is not in the store"};
  const std::size_t bytes = read->size();
  return latest_.put(hash, std::move(*read), bytes);
}

}  // namespace millrace::api
