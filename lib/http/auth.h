// Bearer tokens (RFC 6750), compared in constant time.
#pragma once

#include <string>
#include <string_view>

namespace millrace::http {

// Whether `authorization`, a header's value, is "Bearer <token>". Takes as long for a wrong token
// as for the right one. An empty `token` matches nothing.
bool bearer_matches(std::string_view authorization, std::string_view token);

// Whether both are equal, in time that depends on the length of `given` alone.
bool equal_in_constant_time(std::string_view given, std::string_view expected);

}  // namespace millrace::http
