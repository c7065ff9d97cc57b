// Commands: what they are given, what they hand on, and what their ends mean.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/contents.h"
#include "lib/process/handle.h"
#include "workers/kernel/testing/temp_folder.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {
namespace {

using millrace::testing::TempFolder;

class Command : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { engine_ = *kernel::open_query_engine(); }
  static void TearDownTestSuite() { engine_.reset(); }

  Result<TaskSuccess> run(std::vector<std::string> argv) {
    request_.scratch_folder = folder_ / "scratch";
    std::filesystem::remove_all(request_.scratch_folder);
    std::filesystem::create_directory(request_.scratch_folder);
    request_.grace = milliseconds(100);
    task_.argv = std::move(argv);
    request_.task.name = "c";
    request_.task.kind = task_;
    groups_.clear();
    const auto report = [&](const ProcessGroup& group) { groups_.push_back(group.id); };
    TaskContext context{*engine_, stop_.get_token(), activity_, report, 0};
    Result<TaskSuccess> result = run_task(request_, context);
    exit_code_ = context.exit_code;
    return result;
  }
  std::string code_of(std::vector<std::string> argv) {
    const Result<TaskSuccess> result = run(std::move(argv));
    return result.ok() ? "no error" : result.error().code;
  }
  Result<TaskSuccess> shell(const std::string& script) { return run({"/bin/sh", "-c", script}); }

  static std::unique_ptr<kernel::QueryEngine> engine_;
  TempFolder folder_;
  manifest::CommandTask task_;
  TaskRequest request_;
  std::stop_source stop_;
  kernel::Activity activity_;
  std::vector<pid_t> groups_;
  int exit_code_ = 0;
};
std::unique_ptr<kernel::QueryEngine> Command::engine_;

TEST_F(Command, gets_few_variables_and_its_own) {
  task_.env = {{"OWN", "a b;$c"}, {"LANG", "de_DE.UTF-8"}};
  request_.run_name = "flights-1";
  ASSERT_TRUE(shell("env | sort > env; pwd > pwd").ok());
  const std::string scratch = request_.scratch_folder;
  EXPECT_EQ(contents_of_file(scratch + "/pwd"), scratch + "\n");
  EXPECT_EQ(contents_of_file(scratch + "/env"),
            "HOME=" + scratch +
                "\nLANG=de_DE.UTF-8\nMILLRACE_ATTEMPT=0\nMILLRACE_NAMESPACE=\nMILLRACE_OUTPUTS=" +
                scratch +
                "/outputs\nMILLRACE_RUN=flights-1\nMILLRACE_RUN_ID=\nMILLRACE_TASK=c\n"
                "OWN=a b;$c\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                "PWD=" +
                scratch + "\nTMPDIR=" + scratch + "\n");
}

TEST_F(Command, is_found_by_path_or_name) {
  EXPECT_EQ(code_of({"true"}), "no error");
  EXPECT_EQ(code_of({"/bin/true"}), "no error");
  EXPECT_EQ(code_of({"no-such-program"}), "command.not_found");
  EXPECT_EQ(code_of({"/no/such/program"}), "command.not_found");
  EXPECT_EQ(code_of({folder_.write("text", "echo no interpreter\n")}), "command.not_executable");
  task_.working_directory = "/no/such/folder";
  EXPECT_EQ(code_of({"true"}), "command.folder");
  EXPECT_EQ(groups_.back(), 0) << "also a group that never ran is over";
}

TEST_F(Command, arguments_are_no_shells_business) {
  ASSERT_TRUE(run({"/usr/bin/touch", "a b; rm -rf $HOME"}).ok());
  EXPECT_TRUE(std::filesystem::exists(request_.scratch_folder + "/a b; rm -rf $HOME"));
}

TEST_F(Command, hands_on_outputs_of_their_types) {
  request_.task.outputs = {{"text", manifest::StringOutput{}},
                           {"number", manifest::IntegerOutput{}},
                           {"flag", manifest::BooleanOutput{}}};
  const auto good = shell(
      "cd outputs; echo '3 items' > text; echo -12 > number; echo true > flag; echo x > "
      "undeclared");
  ASSERT_TRUE(good.ok()) << good.error().to_text();
  EXPECT_EQ(good->outputs_json, R"({"flag":true,"number":-12,"text":"3 items"})");
  const std::string rest = "cd outputs; echo x > text; echo 1 > number; echo true > flag; ";
  const auto code = [&](const std::string& script) {
    const auto result = shell(rest + script);
    return result.ok() ? "no error" : result.error().code;
  };
  EXPECT_EQ(code("rm number"), "command.output_missing");
  EXPECT_EQ(code("ln -sf /etc/passwd text"), "command.output_missing") << "a link is no output";
  EXPECT_EQ(code("echo 1.5 > number"), "command.output_invalid");
  EXPECT_EQ(code("echo 99999999999999999999 > number"), "command.output_invalid");
  EXPECT_EQ(code("echo yes > flag"), "command.output_invalid");
  EXPECT_EQ(code("printf '\\377' > text"), "command.output_invalid");
  EXPECT_EQ(code("head -c 20000 /dev/zero > text"), "command.output_invalid");
}

TEST_F(Command, ends_have_meanings) {
  task_.exit_codes = {{{3, 4}, ErrorClass::kTransient, "partner.busy"}};
  const auto busy = shell("exit 4");
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().code, "partner.busy");
  EXPECT_EQ(busy.error().error_class, ErrorClass::kTransient);
  EXPECT_EQ(exit_code_, 4);
  const auto other = shell("exit 5");
  EXPECT_EQ(other.error().code, "command.exit");
  EXPECT_EQ(other.error().error_class, ErrorClass::kUser);
  EXPECT_EQ(exit_code_, 5);
  EXPECT_EQ(shell("kill -SEGV $$").error().code, "command.signal");
  // Who did it is not known: where it was the limit of memory, the worker knows and says so.
  const auto killed = shell("kill -KILL $$");
  EXPECT_EQ(killed.error().error_class, ErrorClass::kResource);
  EXPECT_EQ(killed.error().message, "\"/bin/sh\" was ended by signal 9 (Killed)");
}

TEST_F(Command, leaves_nobody_of_its_group_behind) {
  ASSERT_TRUE(shell("sleep 600 & echo $! > left").ok());
  EXPECT_EQ(groups_.size(), 2U);
  EXPECT_EQ(groups_.back(), 0);
  pid_t pid = 0;
  std::ifstream(request_.scratch_folder + "/left") >> pid;
  ASSERT_GT(pid, 0);
  // It was killed; its end is init's to see.
  const auto left = process::Handle::of(pid);
  EXPECT_TRUE(!left || left->wait(seconds(30)));
}

TEST_F(Command, hears_of_a_stop_that_came_before_it) {
  stop_.request_stop();
  EXPECT_EQ(shell("sleep 600").error().code, "task.cancelled");
}

TEST_F(Command, has_no_way_to_more_privileges) {
  ASSERT_TRUE(shell("grep NoNewPrivs /proc/self/status > privileges; ulimit -c > core; readlink "
                    "/proc/self/fd/0 > stdin")
                  .ok());
  EXPECT_EQ(contents_of_file(request_.scratch_folder + "/privileges"), "NoNewPrivs:\t1\n");
  EXPECT_EQ(contents_of_file(request_.scratch_folder + "/core"), "0\n");
  EXPECT_EQ(contents_of_file(request_.scratch_folder + "/stdin"), "/dev/null\n");
}

}  // namespace
}  // namespace millrace::tasks
