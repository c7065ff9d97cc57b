#include "scheduler/main/answers.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace millrace::scheduler {
namespace {

class AnswersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "/millrace-answers-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directory(root_ / ".answers");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  AttemptRef attempt(std::uint64_t epoch) const {
    return {RunId(RawId{1, 2}), TaskIndex(0), AttemptNumber(1), Epoch(epoch)};
  }
  std::filesystem::path write(const std::string& name, const std::string& content) const {
    const auto path = root_ / ".answers" / name;
    std::ofstream(path) << content;
    return path;
  }
  std::filesystem::path answer(std::uint64_t epoch, const std::string& content) const {
    return write(attempt(epoch).run.to_text() + "-" + std::to_string(epoch), content);
  }

  std::filesystem::path root_;
};

TEST_F(AnswersTest, an_answer_is_its_readers_alone_and_leaves_no_name) {
  Answers answers(root_);
  const auto path = answer(7, "0123456789");
  const auto other = answer(8, "other");
  auto reader = answers.take(attempt(7));
  ASSERT_TRUE(reader.ok()) << reader.error().to_text();
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::exists(other));
  EXPECT_EQ(*(*reader)->read(4), "0123");
  EXPECT_EQ(*(*reader)->read(100), "456789");
  EXPECT_EQ(*(*reader)->read(100), "");
  EXPECT_EQ(answers.take(attempt(7)).error().code, "answer.lost");
  answers.discard(attempt(8));
  answers.discard(attempt(9));
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST_F(AnswersTest, a_link_is_no_answer) {
  Answers answers(root_);
  std::ofstream(root_ / "secret") << "the-canary-sings";
  std::filesystem::create_symlink(root_ / "secret",
                                  root_ / ".answers" / (attempt(7).run.to_text() + "-7"));
  EXPECT_EQ(answers.take(attempt(7)).error().code, "answer.lost");
}

TEST_F(AnswersTest, a_sweep_removes_what_is_old_and_spares_the_rest) {
  Answers answers(root_);
  const auto now = std::filesystem::file_time_type::clock::now();
  const auto old = answer(7, "old");
  const auto fresh = answer(8, "fresh");
  std::filesystem::last_write_time(old, now - std::chrono::minutes(61));
  EXPECT_EQ(answers.sweep(now - std::chrono::hours(1)), 1U);
  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_TRUE(std::filesystem::exists(fresh));
  EXPECT_EQ(Answers(root_ / "nowhere").sweep(now), 0U);
}

}  // namespace
}  // namespace millrace::scheduler
