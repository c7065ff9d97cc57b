#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>

#include "base/utf8.h"
#include "lib/ipc/files_checksum.h"
#include "lib/ipc/frame.h"
#include "lib/ipc/private_files.h"
#include "lib/ipc/socket_address.h"
#include "lib/ipc/wire_text.h"
#include "lib/process/owned_fd.h"

namespace millrace::ipc {
namespace {

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "ipc.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path write(const std::string& name, const std::string& text, mode_t mode) {
    const auto file = folder_ / name;
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  std::filesystem::path folder_;
};

TEST(WireText, is_text_and_short_whatever_came_in) {
  EXPECT_EQ(wire_text("plain, 漢"), "plain, 漢");
  EXPECT_EQ(wire_text("\xff!"), "\uFFFD!");
  for (const std::string& piece : {std::string("漢"), std::string("\xff"), std::string("\x80")}) {
    std::string text;
    for (int i = 0; i < 10'000; ++i) text += piece;
    const std::string made = wire_text(text);
    EXPECT_LE(made.size(), kMaxTextBytes);
    EXPECT_GT(made.size(), kMaxTextBytes - 4);
    EXPECT_EQ(valid_utf8_prefix(made), made.size());
  }
}

TEST(Frames, survive_every_split) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> sent;
    std::string wire;
    const std::size_t count = random() % 8;
    for (std::size_t i = 0; i < count; ++i) {
      sent.emplace_back(random() % 2000, static_cast<char>('a' + i));
      ASSERT_TRUE(append_frame(sent.back(), wire).ok());
    }
    FrameReader reader;
    std::vector<std::string> received;
    for (std::size_t at = 0; at < wire.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 700, wire.size() - at);
      ASSERT_TRUE(reader.feed(std::string_view(wire).substr(at, size)).ok());
      while (auto message = reader.next()) received.emplace_back(*message);
      at += size;
    }
    EXPECT_EQ(received, sent) << "round " << round;
    EXPECT_EQ(reader.pending(), 0U);
  }
}

TEST(Frames, refuse_a_length_beyond_the_limit_before_its_bytes_come) {
  FrameReader reader;
  const auto status = reader.feed(std::string_view("\xff\xff\xff\x7f", 4));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "ipc.frame_too_large");
}

TEST(Frames, refuse_the_second_length_too) {
  std::string wire;
  ASSERT_TRUE(append_frame("ab", wire).ok());
  wire.append("\xff\xff\xff\x7f", 4);
  FrameReader reader;
  EXPECT_FALSE(reader.feed(wire).ok());
}

TEST(Frames, refuse_to_send_what_nobody_would_take) {
  std::string wire = "before";
  EXPECT_FALSE(append_frame(std::string(kMaxFrameBytes + 1, 'x'), wire).ok());
  EXPECT_EQ(wire, "before");
  EXPECT_TRUE(append_frame(std::string(kMaxFrameBytes, 'x'), wire).ok());
}

TEST(FilesChecksum, is_xxh64_over_paths_and_checksums) {
  EXPECT_EQ(FilesChecksum().text(), "xxh64:ef46db3751d8e999");  // XXH64 of nothing
  FilesChecksum sum;
  sum.add("a", "b");
  sum.add("c", "");
  EXPECT_EQ(sum.text(), "xxh64:44bc2cf5ad770999");  // XXH64 of "abc"
}

TEST(SocketAddress, names_what_is_wrong) {
  EXPECT_EQ(*socket_path_of("unix:/run/a.sock"), "/run/a.sock");
  for (const char* bad : {"", "/run/a.sock", "unix:", "unix:a.sock", "tcp://host:1"})
    EXPECT_EQ(socket_path_of(bad).error().code, "ipc.address_invalid") << bad;
  EXPECT_TRUE(socket_path_of("unix:/" + std::string(106, 'a')).ok());
  EXPECT_EQ(socket_path_of("unix:/" + std::string(107, 'a')).error().code,
            "ipc.socket_path_too_long");
}

TEST_F(Folder, tells_a_listener_from_what_a_dead_one_left) {
  const std::string path = (folder_ / "s").string();
  EXPECT_FALSE(somebody_listens(path));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  process::OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  EXPECT_TRUE(somebody_listens(path));
  fd.reset();
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_FALSE(somebody_listens(path));
}

TEST_F(Folder, a_private_folder_is_made_or_checked) {
  const auto folder = folder_ / "deep" / "run";
  ASSERT_TRUE(make_private_folder(folder).ok());
  EXPECT_TRUE(make_private_folder(folder).ok());
  struct stat status{};
  ASSERT_EQ(::stat(folder.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);

  ::chmod(folder.c_str(), 0750);
  EXPECT_EQ(make_private_folder(folder).error().code, "file.open_to_others");
  ::chmod(folder.c_str(), 0700);
  std::filesystem::create_directory_symlink(folder, folder_ / "link");
  EXPECT_EQ(make_private_folder(folder_ / "link").error().code, "file.not_a_folder");
}

TEST_F(Folder, a_folder_of_another_user_is_refused) {
  // Root may give a folder away; another user finds one of root's.
  std::filesystem::path foreign = "/";
  if (::geteuid() == 0) {
    foreign = folder_ / "foreign";
    ASSERT_TRUE(make_private_folder(foreign).ok());
    ASSERT_EQ(::chown(foreign.c_str(), 12345, 12345), 0);
  }
  EXPECT_EQ(make_private_folder(foreign).error().code, "file.foreign_owner");
}

TEST_F(Folder, a_secret_is_read_only_from_a_closed_file) {
  EXPECT_EQ(*read_secret_file(write("good", "  s3cret-token\n", 0600)), "s3cret-token");
  EXPECT_EQ(read_secret_file(write("open", "x", 0640)).error().code, "file.open_to_others");
  EXPECT_EQ(read_secret_file(write("empty", " \n", 0600)).error().code, "file.empty");
  EXPECT_EQ(read_secret_file(write("large", std::string(5000, 'x'), 0600)).error().code,
            "file.too_large");
  EXPECT_EQ(read_secret_file(folder_ / "none").error().code, "file.not_found");
  EXPECT_EQ(read_secret_file(folder_).error().code, "file.not_a_file");
  std::filesystem::create_symlink(folder_ / "good", folder_ / "link");
  EXPECT_FALSE(read_secret_file(folder_ / "link").ok());
}

}  // namespace
}  // namespace millrace::ipc
