#include "scheduler/dispatch/authenticate.h"

#include <gtest/gtest.h>

namespace millrace::scheduler {
namespace {

TEST(Authenticate, only_the_whole_token_counts) {
  const std::string token = "0123456789abcdef0123";
  const auto authenticator = Authenticator::make(token);
  ASSERT_TRUE(authenticator.ok());
  EXPECT_TRUE(authenticator->authenticate("Bearer " + token).ok());
  for (const std::string& wrong :
       {std::string(), token, std::string("Bearer"), std::string("Bearer "), "bearer " + token,
        "Basic " + token, "Bearer " + token + "x", "Bearer " + token.substr(1),
        "Bearer " + token.substr(0, 19) + "4", "Bearer " + token + std::string(1, '\0'),
        "Bearer  " + token}) {
    const auto identity = authenticator->authenticate(wrong);
    ASSERT_FALSE(identity.ok()) << wrong;
    EXPECT_EQ(identity.error().code, "worker.unauthenticated");
    EXPECT_EQ(identity.error().to_text().find(token), std::string::npos) << "tells the token";
  }
}

TEST(Authenticate, a_token_that_could_be_guessed_is_refused) {
  EXPECT_EQ(Authenticator::make("short").error().code, "dispatch.token_too_short");
  EXPECT_EQ(Authenticator::make("").error().code, "dispatch.token_too_short");
}

}  // namespace
}  // namespace millrace::scheduler
