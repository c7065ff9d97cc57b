// FNV-1a, a hash that is the same on every machine and in every version: for names made of other
// texts and for digests, never against an adversary.
// Source: http://www.isthe.com/chongo/tech/comp/fnv/ (64 bits).
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace {

inline constexpr std::uint64_t kFnv1aStart = 0xCBF29CE484222325ULL;

// Of more than one text: each goes on from the hash of those before it.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = kFnv1aStart) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

}  // namespace millrace
