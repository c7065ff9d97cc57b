#include "lib/http/auth.h"

#include <cstddef>

namespace millrace::http {

bool equal_in_constant_time(std::string_view given, std::string_view expected) {
  if (expected.empty()) return false;
  // volatile: the compiler must not leave the loop at the first difference.
  volatile unsigned difference = given.size() == expected.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference = difference |
                 static_cast<unsigned>(static_cast<unsigned char>(given[i]) ^
                                       static_cast<unsigned char>(expected[i % expected.size()]));
  return difference == 0;
}

bool bearer_matches(std::string_view authorization, std::string_view token) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    const char lowered = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lowered != kScheme[i]) return false;
  }
  return equal_in_constant_time(authorization.substr(kScheme.size()), token);
}

}  // namespace millrace::http
