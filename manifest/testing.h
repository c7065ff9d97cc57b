// What the tests of manifest/ share: the files of testdata/, and SQL's facts as a test states them.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <variant>

#include "manifest/codec.h"
#include "manifest/document.h"

namespace millrace::manifest {

inline std::filesystem::path testdata() {
  const char* root = std::getenv("MILLRACE_SOURCE_DIR");
  return std::filesystem::path(root == nullptr ? "." : root) / "manifest" / "testdata";
}

inline std::string canonical_json(const Document& document) {
  return std::visit([](const auto& resource) { return to_json(resource); }, document.resource);
}

}  // namespace millrace::manifest
