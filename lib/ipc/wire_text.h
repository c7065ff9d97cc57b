// Text of outside (what a program printed, a file's name, a statement's words) as a string field of
// a message. Protobuf's reader refuses a message for one byte that is no UTF-8, and with it the
// whole stream: every such field is filled through here, on whichever side. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace::ipc {

inline constexpr std::size_t kMaxTextBytes = 4 << 10;

// UTF-8, of at most kMaxTextBytes; U+FFFD in place of what is none.
std::string wire_text(std::string_view text);

}  // namespace millrace::ipc
