// libFuzzer: any bytes as frames, the same wherever they are cut.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "lib/ipc/frame.h"

namespace {

// False: the stream is lost.
bool feed(millrace::ipc::FrameReader& reader, std::string_view bytes,
          std::vector<std::string>& messages) {
  if (!reader.feed(bytes).ok()) return false;
  while (const auto message = reader.next()) messages.emplace_back(*message);
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  millrace::ipc::FrameReader at_once;
  std::vector<std::string> whole;
  const bool read = feed(at_once, bytes, whole);
  millrace::ipc::FrameReader one_by_one;
  std::vector<std::string> cut;
  for (const char& byte : bytes)
    if (!feed(one_by_one, {&byte, 1}, cut)) return 0;
  if (read) MILLRACE_CHECK(whole == cut, "messages depend on where the stream is cut");
  return 0;
}
