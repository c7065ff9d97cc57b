#include "scheduler/dispatch/authenticate.h"

#include <openssl/crypto.h>

#include <algorithm>

namespace millrace::scheduler {

Result<Authenticator> Authenticator::make(std::string token) {
  if (token.size() < kShortestToken)
    return Error{ErrorClass::kUser, "dispatch.token_too_short",
                 "the workers' token has " + std::to_string(token.size()) +
                     " characters, at least " + std::to_string(kShortestToken) + " are wanted",
                 "write random characters into the token's file"};
  return Authenticator(std::move(token));
}

Result<WorkerIdentity> Authenticator::authenticate(std::string_view authorization) const {
  constexpr std::string_view kScheme = "Bearer ";
  const bool bearer = authorization.starts_with(kScheme);
  std::string given(bearer ? authorization.substr(kScheme.size()) : std::string_view());
  // Compared over the right token's length, whatever was given: time tells nothing but that length.
  const bool same_size = given.size() == token_.size();
  given.resize(token_.size());
  const bool same = CRYPTO_memcmp(given.data(), token_.data(), token_.size()) == 0;
  if (!bearer || !same_size || !same)
    return Error{ErrorClass::kPolicy, "worker.unauthenticated",
                 "the worker's token is not the scheduler's", "give both the same token file"};
  return WorkerIdentity{"worker"};
}

}  // namespace millrace::scheduler
