// The bounds of one SQL text on its way through millrace-sql and the analysis. Both sides of the
// channel check them; neither trusts the other.
#pragma once

#include <cstddef>

namespace millrace::sql {

inline constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;
// A tree is some 130 bytes a value: 8 MiB holds an IN list of 60,000 numbers. Beyond it the text,
// not the parser, is what has to change.
inline constexpr std::size_t kMaxTreeBytes = std::size_t{8} << 20;
// Levels of the tree, lists counted: a chain of 490 operators is at the edge. The engine has no
// limit of its own for set operations; this one keeps the walk in some 1.5 MB of stack (five with a
// sanitizer).
inline constexpr int kMaxTreeDepth = 1000;

// CPU seconds that millrace-sql gives one text before it ends itself.
inline constexpr int kCpuSecondsPerText = 1;
// Address space of millrace-sql: 85 MB of it are its libraries.
inline constexpr std::size_t kParserAddressSpaceBytes = std::size_t{512} << 20;

// The query that turns a text ($1) into its tree. millrace-sql asks it, and so may a process that
// has the engine anyway (a runner, before it executes the text).
inline constexpr const char* kTreeQuery =
    "SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true)";
// The engine whose trees the analysis knows.
inline constexpr const char* kEngineVersion = "v1.5.5";

}  // namespace millrace::sql
