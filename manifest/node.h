// Node: a document as it was written, before any schema has been seen: scalars with or without
// quotes, lists, maps in their order with doubled keys kept, each with its place in the source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::manifest {

struct Key {
  std::string text;
  std::uint32_t offset = 0;  // in the source, in bytes
  bool plain = false;        // without quotes, so its type is open
};

struct Node {
  enum class Kind : std::uint8_t {
    kNull,   // empty, ~ or null
    kPlain,  // a scalar whose type is the reader's to find: YAML without quotes, JSON's numbers and
             // booleans
    kText,   // quoted, or a block of text
    kList,
    kMap,
  };

  Kind kind = Kind::kNull;
  std::uint32_t offset = 0;  // in the source, in bytes
  std::string text;          // of a scalar
  std::vector<Key> keys;     // of a map, beside items
  std::vector<Node> items;   // of a list or a map
};

// What reading bears; beyond, the document is refused with a clear word.
struct ReadLimits {
  std::uint32_t bytes = 1U << 20;
  std::uint32_t depth = 32;
  std::uint32_t nodes = 200'000;    // of one document
  std::uint32_t documents = 1'000;  // of one text
};

}  // namespace millrace::manifest
