// What the tests of manifest/ share: the files of testdata/, and SQL's facts as a test states them.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace millrace::manifest {

inline std::filesystem::path testdata() {
  const char* root = std::getenv("MILLRACE_SOURCE_DIR");
  return std::filesystem::path(root == nullptr ? "." : root) / "manifest" / "testdata";
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace millrace::manifest
