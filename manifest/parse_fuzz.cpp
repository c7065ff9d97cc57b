// libFuzzer's way into the parser: cmake --preset fuzz, then manifest_fuzz with a copy of
// manifest/testdata/errors as its corpus.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "manifest/fuzz_entry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::manifest::check_any_bytes({reinterpret_cast<const char*>(data), size});
  return 0;
}
