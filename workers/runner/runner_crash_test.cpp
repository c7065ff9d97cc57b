// Runners that are killed between any two steps of an upload, a result or a publication: what the
// next attempt finds, and what a reader of the destination sees meanwhile.
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <string>

#include "base/contents.h"
#include "workers/runner/testing/runner_fixture.h"

namespace millrace::runner {
namespace {

using nlohmann::json;

class RunnerCrash : public RunnerFixture {
 protected:
  void start_killed_at(const std::string& failpoint) {
    start({"MILLRACE_FAILPOINT_KILL=" + failpoint});
  }
  void expect_killed(const v1alpha1::ToRunner& message) {
    runner_->send(message);
    const int status = runner_->wait_for_end();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  }
  std::optional<Finished> planes() {
    return finish(assignment("load_planes", ingest_of("planes")));
  }

  std::optional<Finished> stage(const json& deliver, const Finished& from) {
    v1alpha1::ToRunner staging = assignment("to_store", deliver);
    add_input(staging, "planes", from);
    return finish(staging);
  }

  // What a reader finds: the manifest's files, whole; and everything else that lies there.
  std::string published() {
    const json manifest =
        json::parse(contents_of_file(folder_ / "out/planes/manifest.json"), nullptr, false);
    if (!manifest.is_object()) return "nothing";
    std::string text = "order " + manifest["order"].dump() + ":";
    for (const json& file : manifest["files"]) {
      const std::string path = folder_ / ("out/planes/" + file["name"].get<std::string>());
      if (!std::filesystem::exists(path) || std::filesystem::file_size(path) != file["bytes"])
        return "a manifest of files that are not there";
      text += " " + file["name"].get<std::string>();
    }
    return text;
  }
  std::set<std::string> listing() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "out/planes"))
      names.insert(entry.path().filename().string());
    return names;
  }
};

TEST_F(RunnerCrash, an_attempt_killed_at_its_upload_or_result_is_simply_repeated) {
  for (const char* const failpoint : {"upload.before_fsync", "upload.after_fsync",
                                      "runner.before_result", "runner.after_result"}) {
    SCOPED_TRACE(failpoint);
    start_killed_at(failpoint);
    expect_killed(assignment("load_planes", ingest_of("planes")));
    start({});
    const auto again = planes();
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->success.writes(0).rows(), 3322);
  }
}

TEST_F(RunnerCrash, a_publication_killed_anywhere_is_completed_by_its_repetition) {
  const auto rows = planes();
  ASSERT_TRUE(rows.has_value());
  const json deliver = deliver_of("planes");
  std::int64_t order = 0;
  std::string before = "nothing";
  for (const char* const failpoint : {"publish.before_lock", "publish.before_move",
                                      "publish.after_move", "publish.after_manifest"}) {
    SCOPED_TRACE(failpoint);
    const auto staged = stage(deliver, *rows);
    ASSERT_TRUE(staged.has_value());
    const std::string name = "planes-00000." + std::to_string(++order) + ".csv";
    const std::string after = "order " + std::to_string(order) + ": " + name;
    start_killed_at(failpoint);
    expect_killed(publication(deliver, *staged, order));
    EXPECT_EQ(published(), std::string(failpoint) == "publish.after_manifest" ? after : before);
    start({});
    ASSERT_TRUE(finish(publication(deliver, *staged, order)).has_value());
    EXPECT_EQ(published(), after);
    EXPECT_EQ(listing(), (std::set<std::string>{".millrace.lock", "manifest.json", name}));
    // Sent again until it is acknowledged: nothing changes.
    ASSERT_TRUE(finish(publication(deliver, *staged, order)).has_value());
    EXPECT_EQ(published(), after);
    before = after;
  }
}

TEST_F(RunnerCrash, an_older_publication_gives_way_and_cleans_up) {
  const auto rows = planes();
  ASSERT_TRUE(rows.has_value());
  const json deliver = deliver_of("planes");
  const auto older = stage(deliver, *rows);
  start_killed_at("publish.after_move");
  expect_killed(publication(deliver, *older, 1));
  start({});
  const auto newer = stage(deliver, *rows);
  ASSERT_TRUE(finish(publication(deliver, *newer, 2)).has_value());
  const auto late = finish(publication(deliver, *older, 1));
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->success.message(), "gave way: a newer delivery is in place");
  EXPECT_EQ(published(), "order 2: planes-00000.2.csv");
  EXPECT_EQ(listing(),
            (std::set<std::string>{".millrace.lock", "manifest.json", "planes-00000.2.csv"}));
}

TEST_F(RunnerCrash, a_staging_that_was_lost_is_no_delivery) {
  const auto rows = planes();
  ASSERT_TRUE(rows.has_value());
  const json deliver = deliver_of("planes", "ndjson");
  const auto staged = stage(deliver, *rows);
  ASSERT_TRUE(staged.has_value());
  std::filesystem::remove_all(folder_ / "out/planes/.staging");
  EXPECT_EQ(fail(publication(deliver, *staged, 1)).code(), "deliver.staging_lost");
  EXPECT_EQ(published(), "nothing");
}

TEST_F(RunnerCrash, somebody_elses_manifest_is_left_alone) {
  const auto rows = planes();
  const json deliver = deliver_of("planes", "parquet");
  const auto staged = stage(deliver, *rows);
  ASSERT_TRUE(staged.has_value());
  folder_.write("out/planes/manifest.json", "{\"name\": \"a web application\"}");
  EXPECT_EQ(fail(publication(deliver, *staged, 1)).code(), "deliver.manifest_foreign");
  EXPECT_EQ(contents_of_file(folder_ / "out/planes/manifest.json"),
            "{\"name\": \"a web application\"}");
}

}  // namespace
}  // namespace millrace::runner
