// Kills a scheduler's store, as kill -9 would, at each of its failpoints, and looks at what is
// left.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <pqxx/pqxx>

#include "scheduler/store/postgres_store.h"
#include "scheduler/store/recovery.h"
#include "scheduler/store/testing/answers.h"
#include "scheduler/store/testing/random_log.h"
#include "scheduler/store/testing/story.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::scheduler {
namespace {

constexpr int kBatches = 30;

// What the child does: leads, tells the story from where the log ends, writes a checkpoint now and
// then, and appends the sequence of each acknowledged batch to `acknowledged`. Ends by itself when
// it is told.
[[noreturn]] void tell_story(const std::string& database, const std::string& acknowledged) {
  Answers answers;
  PostgresStoreOptions options;
  options.connection_string = database;
  PostgresStore store(
      options, [&](StoreAnswer answer) { answers.put(std::move(answer)); },
      [](const Error&) { ::_exit(3); });
  store.campaign(LeaderId(RawId{1, static_cast<std::uint64_t>(::getpid())}));
  const auto elected = std::get<Elected>(answers.next().value());
  store.recover(elected.epoch);
  const auto recovered = std::get<Recovered>(answers.next().value());
  Story story(1);
  // The same story every time: what is in the log already is passed over.
  std::uint64_t next = 1;
  for (; next <= recovered.last.value(); ++next) story.next();
  if (!difference(*recovered.state, story.state()).empty()) ::_exit(4);
  Checkpointer checkpointer(database, 0, {});
  std::ofstream said(acknowledged, std::ios::app);
  for (; next <= kBatches; ++next) {
    auto batch = std::make_shared<Batch>(*story.next());
    batch->leader_epoch = elected.epoch;
    store.commit(batch);
    if (std::get<CommitAnswer>(answers.next().value()).outcome != CommitOutcome::kCommitted)
      ::_exit(5);
    said << next << std::endl;
    if (next % 10 == 0 && !checkpointer.checkpoint([] { return false; }).ok()) ::_exit(6);
  }
  ::_exit(0);
}

std::uint64_t last_line(const std::string& file) {
  std::ifstream in(file);
  std::uint64_t last = 0;
  for (std::uint64_t line = 0; in >> line;) last = line;
  return last;
}

// The child is this very program (see main below): failpoints are read from the environment once.
int run_teller(const std::string& database, const std::string& acknowledged,
               const std::string& kill_at, const std::string& log) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("MILLRACE_FAILPOINT_KILL", kill_at.c_str(), 1);
    ::setenv("MILLRACE_FAILPOINT_LOG", log.c_str(), 1);
    ::execl("/proc/self/exe", "teller", "--teller", database.c_str(), acknowledged.c_str(),
            nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

class FailpointsTest : public testing::TestWithParam<const char*> {};

TEST_P(FailpointsTest, nothing_acknowledged_is_lost_and_nothing_comes_twice) {
  for (const int at : {1, 2, 3}) {
    SCOPED_TRACE(std::string(GetParam()) + ":" + std::to_string(at));
    const std::string database = testing_support::fresh_database();
    ASSERT_TRUE(migrate_store(database).ok());
    const std::string folder = testing_support::reachable_folder();
    const std::string acknowledged = folder + "/acknowledged";
    const std::string passed = folder + "/passed";
    const int killed =
        run_teller(database, acknowledged, GetParam() + (":" + std::to_string(at)), passed);
    // Leadership is taken once a process.
    const bool once = std::string(GetParam()).find("leadership") != std::string::npos;
    if (once && at > 1) {
      EXPECT_EQ(killed, 0);
    } else {
      ASSERT_EQ(killed, -SIGKILL) << "the failpoint was not passed";
      std::map<std::string, int> histogram;
      std::ifstream in(passed);
      for (std::string name; in >> name;) ++histogram[name];
      EXPECT_EQ(histogram[GetParam()], at);
    }
    pqxx::connection connection(database);
    {
      pqxx::nontransaction work(connection);
      const auto last =
          work.exec1("SELECT coalesce(max(sequence), 0) FROM millrace.log")[0].as<std::uint64_t>();
      EXPECT_GE(last, last_line(acknowledged)) << "an acknowledged batch is lost";
      EXPECT_LE(last, last_line(acknowledged) + 1);
    }
    // The next one goes on where the log ends: it checks that what it recovers is the story so far.
    ASSERT_EQ(run_teller(database, acknowledged, "", passed), 0);
    Story story(1);
    for (int i = 0; i < kBatches; ++i) story.next();
    pqxx::read_transaction work(connection);
    postgres::Transaction transaction{work};
    const auto recovered = recover_state(transaction, 0, [] { return ok_status(); });
    ASSERT_TRUE(recovered.ok()) << recovered.error().to_text();
    EXPECT_EQ(recovered->last, Sequence(kBatches));
    EXPECT_EQ(difference(*recovered->state, story.state()), "");
    EXPECT_TRUE(compare_heads(transaction, *recovered->state).ok());
    EXPECT_EQ(work.exec1("SELECT count(*) FROM millrace.runs")[0].as<std::size_t>(),
              story.finished.size());
    std::size_t attempts = 0;
    for (const auto& [task, ends] : story.attempts) attempts += ends.size();
    EXPECT_EQ(work.exec1("SELECT count(*) FROM millrace.attempts")[0].as<std::size_t>(), attempts);
  }
}

INSTANTIATE_TEST_SUITE_P(Store, FailpointsTest,
                         testing::Values("store.before_commit", "store.projection",
                                         "store.in_commit", "store.after_commit",
                                         "store.before_leadership", "store.after_leadership",
                                         "store.before_checkpoint", "store.in_checkpoint",
                                         "store.after_checkpoint"),
                         [](const auto& failpoint) {
                           std::string name = failpoint.param;
                           name[name.find('.')] = '_';
                           return name;
                         });

}  // namespace
}  // namespace millrace::scheduler

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "--teller")
    millrace::scheduler::tell_story(argv[2], argv[3]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
