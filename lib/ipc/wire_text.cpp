#include "lib/ipc/wire_text.h"

#include "base/utf8.h"

namespace millrace::ipc {

std::string wire_text(std::string_view text) {
  // Cut before, for its cost, between characters where there are any; and after, for it may grow.
  std::string clean = clean_text(text.substr(0, whole_characters(text, kMaxTextBytes)));
  clean.resize(whole_characters(clean, kMaxTextBytes));
  return clean;
}

}  // namespace millrace::ipc
