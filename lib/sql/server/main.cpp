// millrace-sql: reads SQL texts from standard input and answers each with its syntax tree on
// standard output, until the input ends. Frames as in lib/sql/channel.h; the first frame it writes
// is the engine's version. It executes nothing.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>

#include "lib/sql/limits.h"
#include "lib/sql/server/confine.h"
#include "lib/sql/server/engine.h"

namespace millrace::sql {
namespace {

// Exit codes: 0 the input ended (or memory did, after an answer), 1 the engine is not to be had, 2
// the other side does not keep to the frames.
constexpr int kUnavailable = 1;
constexpr int kBadFrames = 2;

// False at the end of the input.
bool read_all(char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::read(STDIN_FILENO, into, size);
    if (got == 0 || (got < 0 && errno != EINTR)) return false;
    if (got < 0) continue;
    into += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_all(const char* from, std::size_t size) {
  while (size > 0) {
    const ssize_t put = ::write(STDOUT_FILENO, from, size);
    if (put < 0 && errno != EINTR) return false;
    if (put < 0) continue;
    from += put;
    size -= static_cast<std::size_t>(put);
  }
  return true;
}

bool write_frame(const std::string& payload) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  const std::array<char, 4> head{
      static_cast<char>(size & 0xFFU), static_cast<char>(size >> 8U & 0xFFU),
      static_cast<char>(size >> 16U & 0xFFU), static_cast<char>(size >> 24U & 0xFFU)};
  return write_all(head.data(), head.size()) && write_all(payload.data(), payload.size());
}

int serve() {
  confine();
  Result<Engine> engine = Engine::open();
  if (!engine.ok()) {
    std::fprintf(stderr, "millrace-sql: %s\n", engine.error().to_text().c_str());
    return kUnavailable;
  }
  if (!write_frame(kEngineVersion)) return 0;
  std::array<char, 4> head{};
  while (read_all(head.data(), head.size())) {
    std::uint32_t size = 0;
    for (std::size_t i = 0; i < head.size(); ++i) {
      size |= std::uint32_t{static_cast<unsigned char>(head[i])} << (8U * i);
    }
    if (size > kMaxTextBytes) return kBadFrames;
    std::string text(size, '\0');
    if (!read_all(text.data(), size)) return 0;
    bool exhausted = false;
    start_cpu_watch();
    const std::string answer = engine->tree(text, exhausted);
    stop_cpu_watch();
    if (!write_frame(answer) || exhausted) return 0;
  }
  return 0;
}

}  // namespace
}  // namespace millrace::sql

int main() { return millrace::sql::serve(); }
