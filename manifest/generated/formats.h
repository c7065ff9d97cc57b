// Named forms of text, as manifest/formats.yaml lists them. manifest/formats.h decides them.
// Generated from the fragments in manifest/ by tools/generate.py. Do not edit.
// clang-format off
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace millrace::manifest {

enum class Format : std::uint8_t {
  kNone,
  kName,
  kLabel,
  kUrl,
  kErrorCode,
  kVariable,
  kDirectory,
  kColumnType,
  kCharacter,
};

struct FormatInfo {
  Format format;
  std::string_view name;
  std::string_view pattern;  // RE2 and ECMAScript alike, anchored
  std::string_view what;     // "a name"
  std::string_view rule;     // what to do, as a hint
};
// Without kNone, in the order of the enumeration.
std::span<const FormatInfo> format_infos();

}  // namespace millrace::manifest
