// The store behind pgbouncer's transaction pooling: nothing that it does depends on a session.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <pqxx/pqxx>
#include <thread>
#include <vector>

#include "lib/postgres/child_process.h"
#include "scheduler/store/checkpointer.h"
#include "scheduler/store/postgres_store.h"
#include "scheduler/store/store_reader.h"
#include "scheduler/store/testing/answers.h"
#include "scheduler/store/testing/random_log.h"
#include "scheduler/store/testing/story.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::conformance {
namespace {

using namespace scheduler;  // NOLINT: the store's whole surface is used here

// A pooler of transactions with two server connections a database: fewer than the store opens, so
// that its sessions change under it all the time.
class Pooler {
 public:
  explicit Pooler(const std::string& database) {
    const postgres::PrivatePostgres& server = testing_support::postgres_server();
    folder_ = testing_support::reachable_folder();
    std::ofstream(folder_ + "/pgbouncer.ini")
        << "[databases]\n* = host=" << server.socket_directory().string() << " user=millrace\n"
        << "[pgbouncer]\npool_mode = transaction\ndefault_pool_size = 2\nauth_type = any\n"
        << "unix_socket_dir = " << folder_ << "\nlisten_port = 5432\nmax_client_conn = 100\n"
        << "server_lifetime = 1\nlog_connections = 0\nlog_disconnections = 0\n";
    if (server.server_user()) {
      EXPECT_EQ(::chown(folder_.c_str(), server.server_user()->uid, server.server_user()->gid), 0);
    }
    auto started =
        postgres::start_child({.argv = {"/usr/sbin/pgbouncer", "-q", folder_ + "/pgbouncer.ini"},
                               .user = server.server_user(),
                               .parent_death_signal = SIGKILL});
    EXPECT_TRUE(started.ok()) << started.error().to_text();
    process_ = std::move(*started);
    // Its socket's file is there before it listens.
    while (!takes_connections(folder_ + "/.s.PGSQL.5432") && !process_.ended()) ::usleep(1000);
    database_ = database + " host=" + folder_;
  }
  ~Pooler() {
    process_.signal(SIGKILL);
    process_.reap();
  }
  const std::string& database() const { return database_; }

 private:
  static bool takes_connections(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    const process::OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
           0;
  }

  std::string folder_;
  std::string database_;
  process::Handle process_;
};

TEST(Pgbouncer, the_store_works_behind_transaction_pooling) {
  const std::string direct = testing_support::fresh_database();
  const Pooler pooler(direct);
  const Status migrated = migrate_store(pooler.database());
  ASSERT_TRUE(migrated.ok()) << migrated.error().to_text();

  Answers answers;
  PostgresStoreOptions options;
  options.connection_string = pooler.database();
  options.leader_lease = seconds(5);  // not lost on a slow machine
  options.checkpoint_interval = milliseconds(20);
  options.checkpoints.every_batches = 20;
  auto store = std::make_unique<PostgresStore>(
      options, [&](StoreAnswer answer) { answers.put(std::move(answer)); },
      [&](Error error) { answers.put_fatal(std::move(error)); });
  store->campaign(LeaderId(RawId{1, 1}));
  Story story(1);
  story.leader_epoch = std::get<Elected>(answers.next().value()).epoch;
  store->recover(story.leader_epoch);
  ASSERT_EQ(std::get<Recovered>(answers.next().value()).last, Sequence(0));

  // Readers beside it, so that the pooler has reason to move connections about.
  StoreReader reader(pooler.database(), 4);
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  std::vector<std::jthread> readers;
  readers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto page = reader.events({}, {}, 20);
        EXPECT_TRUE(page.ok()) << page.error().to_text();
        ++reads;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    store->commit(story.next());
    const auto answer = answers.next().value();
    ASSERT_TRUE(std::holds_alternative<CommitAnswer>(answer)) << "deposed";
    ASSERT_EQ(std::get<CommitAnswer>(answer).outcome, CommitOutcome::kCommitted);
  }
  EXPECT_TRUE(answers.wait_renewals(2));
  stop = true;
  readers.clear();
  EXPECT_GT(reads.load(), 20);
  ASSERT_TRUE(
      testing_support::eventually([&] { return store->health().checkpoint != Sequence(); }));
  store->recover(story.leader_epoch);
  const auto recovered = std::get<Recovered>(answers.next().value());
  EXPECT_EQ(recovered.last, Sequence(200));
  EXPECT_EQ(difference(*recovered.state, story.state()), "");
}

}  // namespace
}  // namespace millrace::conformance
