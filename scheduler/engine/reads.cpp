#include "scheduler/engine/reads.h"

#include <charconv>

namespace millrace::scheduler {

std::string EventId::to_text() const {
  std::string text = std::to_string(sequence.value());
  if (index != UINT32_MAX) text += "." + std::to_string(index);
  return text;
}

std::optional<EventId> EventId::parse(const std::string& text) {
  const char* const end = text.data() + text.size();
  std::uint64_t sequence = 0;
  const auto [dot, ec] = std::from_chars(text.data(), end, sequence);
  if (ec != std::errc()) return std::nullopt;
  if (dot == end) return end_of(Sequence(sequence));
  std::uint32_t index = 0;
  if (*dot != '.') return std::nullopt;
  const auto [rest, index_ec] = std::from_chars(dot + 1, end, index);
  if (index_ec != std::errc() || rest != end) return std::nullopt;
  return EventId{Sequence(sequence), index};
}

}  // namespace millrace::scheduler
