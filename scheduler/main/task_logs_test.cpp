#include "scheduler/main/task_logs.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>

namespace millrace::scheduler {
namespace {

class TaskLogsTest : public ::testing::Test {
 protected:
  TaskLogsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "task-logs-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    attempt_ = {RunId(RawId{7, 8}), TaskIndex(3), AttemptNumber(2), Epoch(9)};
  }
  ~TaskLogsTest() override { std::filesystem::remove_all(dir_); }

  void write(const std::string& ns, const std::string& file, const std::string& text) {
    const std::filesystem::path folder = dir_ / ns / attempt_.run.to_text();
    std::filesystem::create_directories(folder);
    std::ofstream(folder / file, std::ios::binary) << text;
  }
  // "text|next/size", or the error's code.
  std::string read(std::int64_t offset, std::size_t limit) {
    const Result<api::LogText> log = TaskLogs(dir_).read(attempt_, offset, limit);
    return log.ok() ? log->text + "|" + std::to_string(log->next) + "/" + std::to_string(log->size)
                    : log.error().code;
  }

  std::filesystem::path dir_;
  AttemptRef attempt_;
};

TEST_F(TaskLogsTest, finds_the_attempts_file_whatever_its_namespace) {
  write("a", "3-1.log", "the attempt before");
  write("b", "3-2.log", "hello\n");
  write("b", "4-2.log", "another task");
  EXPECT_EQ(read(0, 100), "hello\n|6/6");
}

TEST_F(TaskLogsTest, reads_in_pieces_and_goes_on_where_it_was) {
  write("a", "3-2.log", "0123456789");
  struct Row {
    std::int64_t offset;
    std::size_t limit;
    std::string expected;
  };
  for (const Row& row :
       {Row{0, 4, "0123|4/10"}, Row{4, 4, "4567|8/10"}, Row{8, 4, "89|10/10"}, Row{10, 4, "|10/10"},
        Row{99, 4, "|10/10"}, Row{-5, 2, "01|2/10"}, Row{3, 0, "|3/10"}})
    EXPECT_EQ(read(row.offset, row.limit), row.expected) << row.offset << "+" << row.limit;
  write("a", "3-2.log", "0123456789ab");  // it has grown
  EXPECT_EQ(read(10, 4), "ab|12/12");
}

TEST_F(TaskLogsTest, says_when_there_is_none) {
  EXPECT_EQ(read(0, 100), "log.not_found");
  write("a", "4-2.log", "another task");
  EXPECT_EQ(read(0, 100), "log.not_found");
  std::filesystem::remove_all(dir_);
  EXPECT_EQ(read(0, 100), "log.not_found");
}

TEST_F(TaskLogsTest, bytes_are_bytes) {
  const std::string bytes("\0\xff\n\r", 4);
  write("a", "3-2.log", bytes);
  EXPECT_EQ(read(0, 100), bytes + "|4/4");
}

}  // namespace
}  // namespace millrace::scheduler
