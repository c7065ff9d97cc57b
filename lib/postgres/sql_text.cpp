#include "lib/postgres/sql_text.h"

#include "base/utf8.h"

namespace millrace::postgres {
namespace {

constexpr char kHex[] = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_uuid(const RawId& id) {
  std::string text;
  text.reserve(36);
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) text += '-';
    const std::uint64_t half = nibble < 16 ? id.high : id.low;
    text += kHex[(half >> (60 - 4 * (nibble % 16))) & 0xF];
  }
  return text;
}

std::optional<RawId> from_uuid(std::string_view text) {
  RawId id;
  int nibbles = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int value = hex_value(c);
    if (value < 0 || nibbles == 32) return std::nullopt;
    std::uint64_t& half = nibbles++ < 16 ? id.high : id.low;
    half = (half << 4) | static_cast<std::uint64_t>(value);
  }
  if (nibbles != 32) return std::nullopt;
  return id;
}

std::string to_bytea(std::string_view bytes) {
  std::string text = "\\x";
  text.reserve(2 + 2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHex[byte >> 4];
    text += kHex[byte & 0xF];
  }
  return text;
}

std::string to_bytea(const std::array<std::uint8_t, 32>& hash) {
  return to_bytea(std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

std::optional<std::string> from_bytea(std::string_view text) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2 - 1);
  for (std::size_t i = 2; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>((high << 4) | low);
  }
  return bytes;
}

void SqlArray::add(std::string_view text) {
  separate();
  text_ += '"';
  for (const char c : clean_text(text)) {
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

}  // namespace millrace::postgres
