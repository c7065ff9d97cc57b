// What counts as a secret's file, and what is refused.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "lib/ipc/private_files.h"

namespace millrace::ipc {
namespace {

class SecretFile : public ::testing::Test {
 protected:
  SecretFile() {
    std::string name = (std::filesystem::temp_directory_path() / "token-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  ~SecretFile() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path file(const std::string& content, mode_t mode) {
    const std::filesystem::path path = dir_ / "token";
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  // The text, or the error's code.
  static std::string read(const std::filesystem::path& path) {
    const Result<std::string> text = read_secret_file(path);
    return text.ok() ? "text " + *text : text.error().code;
  }

  std::filesystem::path dir_;
};

TEST_F(SecretFile, is_the_line_of_a_file_that_nobody_else_can_read) {
  EXPECT_EQ(read(file("secret", 0600)), "text secret");
  EXPECT_EQ(read(file("secret\n", 0400)), "text secret");
  EXPECT_EQ(read(file("two words \n\n", 0600)), "text two words");
  for (const mode_t mode : {0640, 0604, 0660, 0620, 0601, 0644, 0777})
    EXPECT_EQ(read(file("secret", mode)), "file.open_to_others") << std::oct << mode;
}

TEST_F(SecretFile, has_an_end_and_a_beginning) {
  EXPECT_EQ(read(file("", 0600)), "file.empty");
  EXPECT_EQ(read(file("\n \n", 0600)), "file.empty");
  EXPECT_EQ(read(file(std::string(4096, 'x'), 0600)), "text " + std::string(4096, 'x'));
  EXPECT_EQ(read(file(std::string(4097, 'x'), 0600)), "file.too_large");
}

TEST_F(SecretFile, is_read_from_a_file_and_through_no_link) {
  EXPECT_EQ(read(dir_ / "none"), "file.not_found");
  const std::filesystem::path real = file("secret", 0600);
  std::filesystem::create_symlink(real, dir_ / "link");
  EXPECT_EQ(read(dir_ / "link"), "file.failed");
  ASSERT_EQ(chmod(dir_.c_str(), 0700), 0);
  EXPECT_EQ(read(dir_), "file.not_a_file");
}

TEST_F(SecretFile, a_pipe_in_its_place_does_not_hold_up_the_start) {
  const std::filesystem::path pipe = dir_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read(pipe), "file.not_a_file");  // O_NONBLOCK: no writer is waited for
}

}  // namespace
}  // namespace millrace::ipc
