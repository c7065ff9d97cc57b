// Conditions: what If-Match and If-None-Match demand of the version of what a request names
// (RFC 9110, 13.1). Pure.
#pragma once

#include <string_view>

#include "lib/http/message.h"

namespace millrace::http {

// `present` is the entity tag of what is there, "\"4\"", never a weak one; empty: nothing is there.
// Without the header a condition holds. In a list that can't be read no tag is found.
//
// If-Match compares strongly: "W/" never matches. "*" wants anything to be there.
bool if_match_holds(const Headers& headers, std::string_view present);
// If-None-Match compares weakly. "*" wants nothing to be there.
bool if_none_match_holds(const Headers& headers, std::string_view present);
// Whether they hold of what was looked at alone: another version, come since, has to be refused.
bool names_versions(const Headers& headers);

}  // namespace millrace::http
