// Who calls: the bearer token of a call's metadata, compared in constant time. Certificates come
// later, behind the same answer.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::scheduler {

// What a caller has proved to be. With one token for all workers of an installation, there is one
// subject.
struct WorkerIdentity {
  std::string subject;
  friend bool operator==(const WorkerIdentity&, const WorkerIdentity&) = default;
};

inline constexpr std::size_t kShortestToken = 16;

class Authenticator {
 public:
  // Error: dispatch.token_too_short.
  static Result<Authenticator> make(std::string token);
  // `authorization` is the metadata of that name: "Bearer <token>". Error (Policy):
  // worker.unauthenticated.
  Result<WorkerIdentity> authenticate(std::string_view authorization) const;

 private:
  explicit Authenticator(std::string token) : token_(std::move(token)) {}
  std::string token_;
};

}  // namespace millrace::scheduler
