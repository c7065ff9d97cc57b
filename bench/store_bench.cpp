// What Postgres holds of the scheduler's work: events and task rows a second through the store's
// one writer, and how long a recovery takes, with 100,000 live tasks. Beside it, in the same run
// and the same server, rows of the events' size by COPY in transactions of the same number: what a
// plain program would do.
//
//   store_bench [--smoke]
//
// The batches are those that the real engine makes, made beforehand; so the store alone is
// measured.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <pqxx/connection>
#include <pqxx/nontransaction>
#include <pqxx/stream_to>
#include <pqxx/transaction>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "bench/installation.h"
#include "bench/timing.h"
#include "lib/postgres/private_postgres.h"
#include "scheduler/store/checkpointer.h"
#include "scheduler/store/codec.h"
#include "scheduler/store/postgres_store.h"
#include "scheduler/store/testing/answers.h"

namespace millrace::scheduler {
namespace {

// A durable server of its own in a new folder, both gone at the end.
class Server {
 public:
  Server() : folder_(make_folder()), server_(open(folder_)) {
    const Status started = server_.start();
    MILLRACE_CHECK(started.ok(), started.error().to_text());
  }
  ~Server() {
    server_.stop(milliseconds(500)).ok();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  std::string connection_string() const { return server_.connection_string(); }

 private:
  static std::filesystem::path make_folder() {
    std::string pattern = "/var/tmp/millrace-bench-XXXXXX";
    MILLRACE_CHECK(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
    std::filesystem::permissions(pattern, std::filesystem::perms(0711));
    return pattern;
  }
  static postgres::PrivatePostgres open(const std::filesystem::path& folder) {
    auto opened = postgres::PrivatePostgres::open(
        {.directory = folder / "postgres", .die_with_parent = true});
    MILLRACE_CHECK(opened.ok(), opened.error().to_text());
    return std::move(*opened);
  }

  std::filesystem::path folder_;
  postgres::PrivatePostgres server_;
};

// A store that leads.
class Leader {
 public:
  explicit Leader(const std::string& connection_string)
      : store_(
            {.connection_string = connection_string, .checkpoint_interval = seconds(3600)},
            [this](StoreAnswer answer) { answers_.put(std::move(answer)); },
            [](const Error& error) { MILLRACE_CHECK(false, error.to_text()); }) {
    store_.campaign(LeaderId(RawId{1, 1}));
    epoch_ = expect<Elected>().epoch;
  }
  Recovered recover() {
    store_.recover(epoch_);
    return expect<Recovered>();
  }
  void commit(const BatchRef& batch) {
    auto own = std::make_shared<Batch>(*batch);
    own->leader_epoch = epoch_;  // whoever made it, this leader hands it over
    store_.commit(std::move(own));
    MILLRACE_CHECK(expect<CommitAnswer>().outcome == CommitOutcome::kCommitted, "not committed");
  }

 private:
  template <typename T>
  T expect() {
    std::optional<StoreAnswer> answer = answers_.next();
    MILLRACE_CHECK(answer.has_value() && std::holds_alternative<T>(*answer), "another answer");
    return std::move(std::get<T>(*answer));
  }

  Answers answers_;  // before the store, which uses it
  PostgresStore store_;
  LeaderEpoch epoch_;
};

struct Rate {
  std::size_t count = 0;
  double micros = 0;
  double per_second() const { return static_cast<double>(count) * 1e6 / micros; }
};

std::size_t count_events(const std::vector<BatchRef>& log, std::size_t from) {
  std::size_t count = 0;
  for (std::size_t i = from; i < log.size(); ++i) count += log[i]->events.size();
  return count;
}

Rate commit_all(Leader& leader, const std::vector<BatchRef>& log, std::size_t from) {
  Rate rate{count_events(log, from), 0};
  const double began = bench::wall_micros();
  for (std::size_t i = from; i < log.size(); ++i) leader.commit(log[i]);
  rate.micros = bench::wall_micros() - began;
  return rate;
}

// As many rows with `bytes` each, so many a transaction.
Rate copy_rows(const std::string& connection_string, std::size_t rows, std::size_t bytes,
               std::size_t each) {
  pqxx::connection connection(connection_string);
  pqxx::nontransaction(connection)
      .exec(
          "CREATE TABLE bench_events (sequence bigint, index integer, event text, "
          "PRIMARY KEY (sequence, index))");
  const std::string event(bytes, 'e');
  const double began = bench::wall_micros();
  for (std::size_t done = 0, sequence = 1; done < rows; ++sequence) {
    pqxx::work work(connection);
    pqxx::stream_to out(work, "bench_events",
                        std::vector<std::string>{"sequence", "index", "event"});
    for (std::size_t i = 0; i < each && done < rows; ++i, ++done)
      out << std::make_tuple(sequence, i, event);
    out.complete();
    work.commit();
  }
  return {rows, bench::wall_micros() - began};
}

std::string shown(const std::string& connection_string, const char* setting) {
  pqxx::connection connection(connection_string);
  return pqxx::nontransaction(connection).exec1(std::string("SHOW ") + setting)[0].c_str();
}

void row(const char* what, double figure, const char* unit, const char* aim) {
  std::printf("%-58s %12.0f %s%s%s\n", what, figure, unit, *aim != '\0' ? "  aim " : "", aim);
  std::fflush(stdout);
}

void measure(std::size_t tasks) {
  const Server server;
  const std::string database = server.connection_string();
  bench::print_settings("store", "fsync " + shown(database, "fsync") + ", synchronous_commit " +
                                     shown(database, "synchronous_commit") + ", " +
                                     std::to_string(tasks) + " tasks in runs of 1,000");
  const Status migrated = migrate_store(database);
  MILLRACE_CHECK(migrated.ok(), migrated.error().to_text());

  Installation installation(true);
  const std::vector<BatchRef>& log = installation.log();
  const Shape shape{.name = "",
                    .what = "",
                    .tasks_per_run = std::min<std::size_t>(1'000, tasks),
                    .running = tasks};
  std::size_t next = 0;
  Rate placements;
  const auto commit_rest = [&](Leader& leader) {
    const Rate rate = commit_all(leader, log, next);
    next = log.size();
    return rate;
  };
  {
    Leader leader(database);
    leader.recover();
    submit_runs(installation, shape, tasks);
    commit_rest(leader);
    add_workers(installation, tasks);
    installation.settle();
    placements = commit_rest(leader);
    row("placements: events, a log row a batch of 4,096", placements.per_second(), "/s", "");
  }
  for (const bool checkpoint : {false, true}) {
    if (checkpoint) {
      Checkpointer checkpointer(database, 0, {});
      const double began = bench::wall_micros();
      const auto written = checkpointer.checkpoint([] { return false; });
      MILLRACE_CHECK(written.ok(), written.error().to_text());
      row("a checkpoint, in the background", (bench::wall_micros() - began) / 1e3, "ms", "");
    }
    Leader leader(database);
    const double began = bench::wall_micros();
    const Recovered recovered = leader.recover();
    MILLRACE_CHECK(recovered.state->live_tasks() == tasks, "not all live tasks came back");
    row(checkpoint ? "recovery of all live tasks, from a checkpoint"
                   : "recovery of all live tasks, from the log alone",
        (bench::wall_micros() - began) / 1e3, "ms", "<= 3,000 ms");
  }
  Leader leader(database);
  leader.recover();
  while (!installation.started().empty()) {
    report_results(installation, 1'000);
    installation.settle();
  }
  const std::size_t first = next;
  const Rate results = commit_rest(leader);
  row("results: events, with a row for each attempt", results.per_second(), "/s", "");
  row("results: tasks ended, with their rows in two tables",
      static_cast<double>(tasks) * 1e6 / results.micros, "/s", "");

  const Rate lives{placements.count + results.count, placements.micros + results.micros};
  row("both: events of tasks from placement to end", lives.per_second(), "/s", ">= 100,000/s");

  std::size_t bytes = 0;
  for (std::size_t i = first; i < log.size(); ++i) bytes += encode_events(log[i]->events).size();
  const Rate copied =
      copy_rows(database, std::max<std::size_t>(tasks, 1), bytes / results.count, 1'000);
  row("peer: COPY of a row an event, 1,000 a transaction", copied.per_second(), "/s", "");
}

}  // namespace
}  // namespace millrace::scheduler

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  millrace::scheduler::measure(smoke ? 2'000 : 100'000);
}
