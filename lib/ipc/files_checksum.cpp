#include "lib/ipc/files_checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::ipc {

struct FilesChecksum::State {
  XXH64_state_t hash;
};

FilesChecksum::FilesChecksum() : state_(std::make_unique<State>()) {
  XXH64_reset(&state_->hash, 0);
}
FilesChecksum::FilesChecksum(FilesChecksum&&) noexcept = default;
FilesChecksum& FilesChecksum::operator=(FilesChecksum&&) noexcept = default;
FilesChecksum::~FilesChecksum() = default;

void FilesChecksum::add(std::string_view path, std::string_view checksum) {
  XXH64_update(&state_->hash, path.data(), path.size());
  XXH64_update(&state_->hash, checksum.data(), checksum.size());
}

std::string FilesChecksum::text() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const XXH64_hash_t value = XXH64_digest(&state_->hash);
  std::string text = "xxh64:";
  for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[(value >> shift) & 0xF]);
  return text;
}

}  // namespace millrace::ipc
