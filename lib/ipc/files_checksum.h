// FilesChecksum: what Success.files_checksum says about the file rows of a result: XXH64 (seed 0)
// over each row's path, then its checksum, in the order sent. Text form: "xxh64:" and 16 hex
// digits.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace millrace::ipc {

class FilesChecksum {
 public:
  FilesChecksum();
  FilesChecksum(FilesChecksum&&) noexcept;
  FilesChecksum& operator=(FilesChecksum&&) noexcept;
  ~FilesChecksum();

  void add(std::string_view path, std::string_view checksum);
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::ipc
