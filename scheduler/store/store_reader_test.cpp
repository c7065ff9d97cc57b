#include "scheduler/store/store_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <pqxx/pqxx>
#include <set>

#include "base/utf8.h"
#include "lib/postgres/sql_text.h"
#include "scheduler/store/log_writer.h"
#include "scheduler/store/postgres_store.h"
#include "scheduler/store/testing/random_log.h"
#include "scheduler/store/testing/story.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::scheduler {
namespace {

// A story of 300 batches, told once, and read by all.
struct Told {
  Told() : story(11), database(testing_support::fresh_database()) {
    EXPECT_TRUE(migrate_store(database).ok());
    pqxx::connection connection(database);
    LiveRuns live;
    for (int i = 0; i < 300; ++i) {
      const BatchRef batch = story.next();
      batches.push_back(batch);
      live.before(*batch);
      const auto written = write_batch(connection, 0, *batch, live);
      EXPECT_TRUE(written.ok() && *written == CommitOutcome::kCommitted);
      live.after(*batch);
    }
    reader = std::make_unique<StoreReader>(database, 2);
  }
  Story story;
  std::string database;
  std::vector<BatchRef> batches;
  std::unique_ptr<StoreReader> reader;
};

class StoreReaderTest : public testing::Test {
 protected:
  static Told& told() {
    static Told told;
    return told;
  }
  StoreReader& reader() { return *told().reader; }
  const Story& story() { return told().story; }
};

TEST_F(StoreReaderTest, bodies_come_back_byte_for_byte) {
  for (const auto& [hash, content] : story().bodies) {
    const auto found = reader().body(hash);
    ASSERT_TRUE(found.ok()) << found.error().to_text();
    EXPECT_EQ(*found, content);
  }
  EXPECT_EQ(*reader().body(BodyHash{}), std::nullopt);
}

TEST_F(StoreReaderTest, ended_runs_are_found_by_id_and_name) {
  ASSERT_GT(story().finished.size(), 10U);
  for (const auto& run : story().finished) {
    const auto found = reader().run(run->header.id);
    ASSERT_TRUE(found.ok()) << found.error().to_text();
    ASSERT_TRUE(found->has_value());
    const RunRecord& ended = **found;
    const events::RunFinished& end = story().ends.at(run->header.id);
    EXPECT_EQ(ended.name, run->header.name);
    EXPECT_EQ(ended.workflow, "flow");
    EXPECT_EQ(ended.outcome, end.outcome);
    EXPECT_EQ(ended.finished, end.at);
    EXPECT_EQ(ended.created, run->header.created);
    EXPECT_EQ(ended.body_hash, run->header.body_hash);
    EXPECT_EQ(ended.parameters_hash, run->header.parameters_hash);
    EXPECT_EQ(*ended.spec, *run->header.spec);
    EXPECT_EQ(ended.counts.succeeded, run->header.counts.succeeded);
    EXPECT_EQ(ended.counts.skipped, run->header.counts.skipped);
    EXPECT_EQ(reader().run(NamespacedName{"team", run->header.name}).value()->id, run->header.id);
    EXPECT_TRUE(reader().is_run_kept({"team", run->header.name}).value());
    EXPECT_FALSE(reader().is_run_kept({"other", run->header.name}).value());
  }
  EXPECT_FALSE(reader().run(RunId(RawId{1, 1})).value().has_value());
  EXPECT_FALSE(
      reader().run(NamespacedName{"other", story().finished[0]->header.name}).value().has_value());
}

TEST_F(StoreReaderTest, runs_are_listed_newest_first_in_pages) {
  std::vector<RunId> expected;
  for (const auto& run : story().finished) expected.push_back(run->header.id);
  std::sort(expected.rbegin(), expected.rend());
  std::vector<RunId> listed;
  RunQuery query{.ns = "team",
                 .before = {},
                 .workflow = {},
                 .queue = {},
                 .outcome = {},
                 .since = {},
                 .limit = 7};
  while (true) {
    const auto page = reader().runs(query);
    ASSERT_TRUE(page.ok()) << page.error().to_text();
    if (page->empty()) break;
    for (const RunRecord& run : *page) listed.push_back(run.id);
    query.before = listed.back();
  }
  EXPECT_EQ(listed, expected);

  query = {.ns = "team",
           .before = {},
           .workflow = {},
           .queue = {},
           .outcome = {},
           .since = {},
           .limit = 1000};
  query.outcome = RunOutcome::kFailed;
  const auto failed = std::count_if(story().ends.begin(), story().ends.end(), [](const auto& end) {
    return end.second.outcome == RunOutcome::kFailed;
  });
  EXPECT_EQ(reader().runs(query)->size(), static_cast<std::size_t>(failed));
  query.outcome.reset();
  query.workflow = "another";
  EXPECT_TRUE(reader().runs(query)->empty());
  query.workflow = "flow";
  query.queue = "default";
  EXPECT_EQ(reader().runs(query)->size(), expected.size());
  query.since = story().finished.back()->header.created;
  EXPECT_LT(reader().runs(query)->size(), expected.size());
  EXPECT_FALSE(reader().runs(query)->empty());
}

TEST_F(StoreReaderTest, tasks_of_an_ended_run_say_how_they_ended) {
  std::set<TaskState> seen;
  for (const auto& run : story().finished) {
    const auto tasks = reader().tasks(run->header.id);
    ASSERT_TRUE(tasks.ok()) << tasks.error().to_text();
    ASSERT_EQ(tasks->size(), run->tasks.size());
    for (std::size_t i = 0; i < tasks->size(); ++i) {
      const TaskRecord& task = (*tasks)[i];
      EXPECT_EQ(task.index.value(), i);
      EXPECT_EQ(task.state, run->tasks[i].state);
      EXPECT_EQ(task.phase, run->tasks[i].phase);
      EXPECT_EQ(task.attempt, run->tasks[i].attempt);
      EXPECT_EQ(task.worker, run->tasks[i].worker);
      EXPECT_EQ(task.first_ready, run->tasks[i].first_ready);
      EXPECT_EQ(task.since, run->tasks[i].since);
      EXPECT_EQ(task.code.empty(), task.state == TaskState::kSucceeded) << task.code;
      seen.insert(task.state);
    }
  }
  EXPECT_TRUE(seen.contains(TaskState::kSucceeded) && seen.contains(TaskState::kSkipped));
}

TEST_F(StoreReaderTest, endings_are_what_tasks_last_said) {
  std::size_t without_attempt = 0;
  for (const auto& run : story().finished) {
    const auto tasks = reader().tasks(run->header.id);
    const auto endings = reader().endings(run->header.id);
    ASSERT_TRUE(tasks.ok() && endings.ok());
    std::set<std::uint32_t> seen;
    for (const TaskEnding& ending : *endings) {
      const TaskRecord& task = tasks->at(ending.index.value());
      EXPECT_TRUE(seen.insert(ending.index.value()).second) << "told twice";
      EXPECT_EQ(ending.code, task.code);
      EXPECT_EQ(ending.message, task.message);
      EXPECT_EQ(ending.rows, task.rows);
      without_attempt += ending.attempt.value() == 0;
      if (ending.attempt.value() == 0) continue;
      EXPECT_EQ(ending.attempt, task.attempt);
      EXPECT_EQ(ending.placed, reader().attempts({run->header.id, ending.index})->back().placed);
    }
    // What was taken over ended in another run.
    const auto rerun = story().reruns.find(run->header.id);
    const std::size_t taken = rerun == story().reruns.end() ? 0 : rerun->second.taken.size();
    EXPECT_EQ(seen.size() + taken, tasks->size());
  }
  EXPECT_GT(without_attempt, 0U);
}

TEST_F(StoreReaderTest, what_a_rerun_needs_of_a_run_is_kept) {
  std::size_t taken = 0;
  for (const auto& run : story().finished) {
    const RunId id = run->header.id;
    const auto found = reader().origin(id);
    ASSERT_TRUE(found.ok()) << found.error().to_text();
    ASSERT_TRUE(found->has_value());
    const Rerun& expected = story().origins.ended(id)->origin;
    EXPECT_EQ((*found)->origin, id);
    EXPECT_EQ((*found)->origin_name, run->header.name);
    EXPECT_EQ((*found)->tasks, expected.tasks);
    EXPECT_EQ((*found)->pins, expected.pins);
    const RunRecord record = *reader().run(id).value();
    EXPECT_EQ(record.rerun_of, run->header.rerun_of);
    EXPECT_EQ(record.rerun_of_name, run->header.rerun_of_name);
    if (const auto rerun = story().reruns.find(id); rerun != story().reruns.end()) {
      const auto tasks = reader().tasks(id);
      for (const events::TakenTask& task : rerun->second.taken) {
        ++taken;
        const TaskRecord& of = tasks->at(task.task.value());
        EXPECT_EQ(of.attempt, AttemptNumber(0));
        const auto before = reader().tasks(task.source);
        EXPECT_EQ(of.rows, before->at(task.task.value()).rows);
      }
    }
  }
  EXPECT_GT(taken, 10U);
  EXPECT_FALSE(reader().origin(RunId(RawId{1, 1})).value().has_value());
}

TEST_F(StoreReaderTest, a_pin_whose_snapshot_is_gone_is_not_told) {
  Told swept;
  const RunId run = swept.story.finished.back()->header.id;
  const Rerun& expected = swept.story.origins.ended(run)->origin;
  const auto named = std::count_if(expected.pins.begin(), expected.pins.end(),
                                   [](const events::Pin& pin) { return !pin.snapshot.is_nil(); });
  ASSERT_GT(named, 0);
  pqxx::connection connection(swept.database);
  pqxx::nontransaction(connection)
      .exec("DELETE FROM catalog.dataset_heads; DELETE FROM catalog.snapshots");
  const auto found = swept.reader->origin(run);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->pins.size(), expected.pins.size() - static_cast<std::size_t>(named));
  for (const OriginTask& task : (*found)->tasks) EXPECT_TRUE(task.snapshots.empty());
}

TEST_F(StoreReaderTest, attempts_are_those_that_ended) {
  std::size_t snapshots = 0;
  int broken_text = 0;
  for (const auto& [task, ends] : story().attempts) {
    const auto attempts = reader().attempts(task);
    ASSERT_TRUE(attempts.ok()) << attempts.error().to_text();
    ASSERT_EQ(attempts->size(), ends.size());
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const AttemptRecord& attempt = (*attempts)[i];
      EXPECT_EQ(attempt.usage,
                (Usage{Micros(1), Bytes(2), Bytes(3), 4, 5, Bytes(6), Bytes(7), Micros(8)}));
      EXPECT_EQ(attempt.request.cpu, MilliCpu(100));
      EXPECT_EQ(attempt.worker_name, "w1");
      if (const auto* failure = std::get_if<events::AttemptFailed>(&ends[i])) {
        EXPECT_EQ(attempt.ref, failure->attempt);
        EXPECT_EQ(attempt.placed, failure->placed_at);
        EXPECT_EQ(attempt.ended, failure->at);
        ASSERT_TRUE(attempt.failure.has_value());
        Failure expected = failure->failure;
        expected.message = clean_text(expected.message);
        EXPECT_EQ(*attempt.failure, expected);
        broken_text += expected.message != failure->failure.message;
        EXPECT_FALSE(attempt.next.empty());
      } else {
        const auto& success = std::get<events::AttemptSucceeded>(ends[i]);
        EXPECT_EQ(attempt.ref, success.attempt);
        EXPECT_EQ(attempt.phase, success.phase);
        EXPECT_FALSE(attempt.failure.has_value());
        EXPECT_EQ(attempt.snapshots, success.snapshots);
        if (success.phase == Phase::kExecute) {
          EXPECT_EQ(attempt.outputs_json, story().outputs.at(task));
          EXPECT_EQ(attempt.message, "7 rows");
        }
        snapshots += attempt.snapshots.size();
      }
    }
  }
  EXPECT_GT(snapshots, 10U);
  EXPECT_GT(broken_text, 0) << "some message was no UTF-8";
}

TEST_F(StoreReaderTest, outputs_and_publications_are_kept) {
  std::map<RunId, std::map<std::uint32_t, std::string>> by_run;
  for (const auto& [task, json] : story().outputs) by_run[task.run][task.task.value()] = json;
  for (const auto& [run, outputs] : by_run) EXPECT_EQ(*reader().outputs(run), outputs);
  ASSERT_FALSE(story().publications.empty());
  for (const auto& [task, json] : story().publications)
    EXPECT_EQ(reader().publication(task)->json, json);
  const std::string installation =
      reader().publication(story().publications.begin()->first)->installation;
  EXPECT_EQ(installation.size(), 26U) << installation;
  EXPECT_EQ(reader().publication({RunId(RawId{1, 1}), TaskIndex(0)}).error().code,
            "publication.unknown");
}

// Reads on from `after` in pages of `limit`, until there is nothing newer.
std::vector<LoggedEvent> follow(StoreReader& reader, EventId after, RunId run, std::size_t limit) {
  std::vector<LoggedEvent> all;
  while (true) {
    auto page = reader.events(after, run, limit);
    EXPECT_TRUE(page.ok()) << page.error().to_text();
    EXPECT_LE(page->events.size(), limit);
    for (LoggedEvent& event : page->events) all.push_back(std::move(event));
    EXPECT_GE(page->next, after);
    after = page->next;
    if (page->complete) return all;
  }
}

TEST_F(StoreReaderTest, events_are_read_on_from_anywhere) {
  std::vector<std::pair<EventId, const Event*>> expected;
  for (const BatchRef& batch : told().batches) {
    for (std::uint32_t i = 0; i < batch->events.size(); ++i) {
      expected.emplace_back(EventId{batch->sequence, i}, &batch->events[i]);
    }
  }
  for (const std::size_t limit : {1UL, 7UL, 100'000UL}) {
    const auto all = follow(reader(), {}, {}, limit);
    ASSERT_EQ(all.size(), expected.size()) << "in pages of " << limit;
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i].id, expected[i].first);
      EXPECT_TRUE(same(all[i].event, *expected[i].second)) << to_text(all[i].event);
    }
  }
  for (std::size_t i = 0; i < expected.size(); i += 97) {
    EXPECT_EQ(follow(reader(), expected[i].first, {}, 50).size(), expected.size() - i - 1);
  }
  const EventId end = EventId::end_of(told().batches.back()->sequence);
  EXPECT_TRUE(follow(reader(), end, {}, 50).empty());
}

TEST_F(StoreReaderTest, events_of_one_run_are_its_own_and_all_of_them) {
  const RunId run = story().finished.at(3)->header.id;
  const auto all = follow(reader(), {}, run, 5);
  ASSERT_FALSE(all.empty());
  EXPECT_TRUE(std::holds_alternative<events::RunCreated>(all.front().event));
  EXPECT_TRUE(std::holds_alternative<events::RunFinished>(all.back().event));
  for (const LoggedEvent& event : all) {
    EXPECT_NE(to_text(event.event).find(run.to_text()), std::string::npos) << to_text(event.event);
  }
}

TEST_F(StoreReaderTest, a_snapshot_is_read_with_all_its_files) {
  for (const auto& [name, head] : story().state().heads()) {
    const auto input = reader().content(name, head.snapshot);
    ASSERT_TRUE(input.ok()) << input.error().to_text();
    EXPECT_EQ(input->schema_json, R"({"columns": []})");
    // Whatever it kept comes first; what it added last.
    const std::vector<FileRow>& added = story().files.at(head.snapshot);
    ASSERT_GE(input->files.size(), added.size());
    EXPECT_TRUE(std::equal(added.rbegin(), added.rend(), input->files.rbegin()));
    EXPECT_EQ(input->files.size() > added.size(), name.name == "log")
        << "appends keep, overwrites don't";
    EXPECT_EQ(reader().dataset(name).value()->snapshot, head.snapshot);
    EXPECT_EQ(reader().snapshots(name, {}, 3).value().front().id, head.snapshot);
  }
  EXPECT_EQ(reader().content({"team", "log"}, SnapshotId(RawId{1, 1})).error().code,
            "snapshot.unknown");
  EXPECT_EQ(reader().datasets("team", "", 10)->size(), story().state().heads().size());
}

TEST_F(StoreReaderTest, a_log_that_was_cut_says_so) {
  Told cut;
  pqxx::connection connection(cut.database);
  pqxx::nontransaction(connection).exec("DELETE FROM millrace.log WHERE sequence <= 100");
  EXPECT_EQ(cut.reader->events(EventId::end_of(Sequence(50)), {}, 10).error().code, "log.expired");
  EXPECT_EQ(cut.reader->events({Sequence(100), 0}, {}, 10).error().code, "log.expired");
  const auto page = cut.reader->events(EventId::end_of(Sequence(100)), {}, 10);
  ASSERT_TRUE(page.ok()) << page.error().to_text();
  EXPECT_EQ(page->events.front().id, (EventId{Sequence(101), 0}));
}

TEST_F(StoreReaderTest, no_database_is_an_error_that_passes) {
  StoreReader nowhere("host=/nowhere");
  const Error error = nowhere.body({}).error();
  EXPECT_EQ(error.code, "store.unavailable");
  EXPECT_EQ(error.message.rfind("the database is not available: ", 0), 0U) << error.message;
  EXPECT_NE(error.hint.find("`millrace up`"), std::string::npos) << error.hint;
  EXPECT_EQ(nowhere.events({}, {}, 1).error().error_class, ErrorClass::kTransient);
}

}  // namespace
}  // namespace millrace::scheduler
