// Deliveries into folders where something lies already: a person's files, links that lead out,
// what another installation delivered, what a delivery before left behind.
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "base/contents.h"
#include "workers/runner/testing/runner_fixture.h"

namespace millrace::runner {
namespace {

namespace fs = std::filesystem;

using millrace::task::v1alpha1::Failure;
using nlohmann::json;

class RunnerDelivery : public RunnerFixture {
 protected:
  void SetUp() override {
    rows_ = finish(assignment("load_planes", ingest_of("planes")));
    ASSERT_TRUE(rows_.has_value());
  }

  v1alpha1::ToRunner staging() {
    v1alpha1::ToRunner message = assignment("to_store", deliver_of("planes"));
    add_input(message, "planes", *rows_);
    return message;
  }
  Finished stage() {
    const auto staged = finish(staging());
    EXPECT_TRUE(staged.has_value());
    return staged.value_or(Finished());
  }
  v1alpha1::ToRunner publishing(const Finished& staged, std::int64_t order) {
    return publication(deliver_of("planes"), staged, order);
  }
  std::string publish(const Finished& staged, std::int64_t order) {
    const auto done = finish(publishing(staged, order));
    EXPECT_TRUE(done.has_value());
    return done.has_value() ? done->success.message() : "";
  }

  std::string out(const std::string& name) const { return folder_ / ("out/planes/" + name); }
  json manifest() const {
    return json::parse(contents_of_file(out("manifest.json")), nullptr, false);
  }
  std::string delivered() const {
    const json files = manifest().value("files", json::array());
    return files.size() == 1 ? files[0]["name"].get<std::string>() : "no file";
  }
  std::set<std::string> listing(const std::string& below = "") const {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(out(below), error))
      names.insert(entry.path().filename().string());
    return names;
  }

  std::optional<Finished> rows_;
};

TEST_F(RunnerDelivery, never_takes_the_place_of_a_file_that_no_delivery_put_there) {
  folder_.write("out/planes/planes-00000.1.csv", "MINE");
  folder_.write("out/planes/manifest.json.new", "MINE TOO");
  const Finished staged = stage();
  publish(staged, 1);
  EXPECT_TRUE(contents_of_file(out("planes-00000.1.csv")) == "MINE");
  EXPECT_TRUE(contents_of_file(out("manifest.json.new")) == "MINE TOO");
  const std::string first = delivered();
  EXPECT_EQ(fs::file_size(out(first)), manifest()["files"][0]["bytes"]);
  publish(stage(), 2);
  EXPECT_EQ(listing(),
            (std::set<std::string>{".millrace.lock", "manifest.json", "manifest.json.new",
                                   "planes-00000.1.csv", "planes-00000.2.csv"}))
      << first << " went with the delivery that it was of";
}

TEST_F(RunnerDelivery, finds_what_it_had_moved_beside_a_persons_file) {
  folder_.write("out/planes/planes-00000.1.csv", "MINE");
  const Finished staged = stage();
  start({"MILLRACE_FAILPOINT_KILL=publish.after_move"});
  runner_->send(publishing(staged, 1));
  ASSERT_TRUE(WIFSIGNALED(runner_->wait_for_end()));
  start({});
  EXPECT_EQ(publish(staged, 1), "3,322 rows delivered");
  EXPECT_EQ(fs::file_size(out(delivered())), manifest()["files"][0]["bytes"]);
  EXPECT_TRUE(contents_of_file(out("planes-00000.1.csv")) == "MINE");
  EXPECT_EQ(listing().size(), 4U);
}

// A reader of a link would be led out of the folder, and so would whoever writes through it.
TEST_F(RunnerDelivery, stages_through_no_link) {
  fs::create_directories(folder_ / "elsewhere");
  fs::create_directories(folder_ / "out/planes");
  fs::create_directory_symlink(folder_ / "elsewhere", out(".staging"));
  const Failure failure = fail(staging());
  EXPECT_EQ(failure.code(), "deliver.name_taken") << failure.message();
  EXPECT_EQ(failure.error_class(), "User");
  EXPECT_TRUE(fs::is_empty(folder_ / "elsewhere"));
}

TEST_F(RunnerDelivery, publishes_out_of_no_link) {
  const Finished staged = stage();
  fs::rename(out(".staging"), folder_ / "elsewhere");
  fs::create_directory_symlink(folder_ / "elsewhere", out(".staging"));
  EXPECT_EQ(fail(publishing(staged, 1)).code(), "deliver.name_taken");
  EXPECT_FALSE(fs::is_empty(folder_ / "elsewhere"));
}

TEST_F(RunnerDelivery, a_manifest_that_is_none_of_a_delivery_fails_at_once_and_is_left_alone) {
  const auto as_folder = [&] { fs::create_directories(out("manifest.json/x")); };
  const auto as_text = [&](const std::string& text) {
    return [this, text] { folder_.write("out/planes/manifest.json", text); };
  };
  const std::vector<std::function<void()>> foreign{
      as_folder,
      [&] { fs::create_symlink(folder_ / "elsewhere", out("manifest.json")); },
      [&] { ::mkfifo(out("manifest.json").c_str(), 0600); },
      as_text(R"({"name": "a web application"})"),
      as_text(R"({"order": 1, "files": [{"name": 5}]})"),
      as_text(
          R"({"order": 1, "files": [{"name": "x", "rows": "many"}], "run": 1, "dataset": "x"})"),
      as_text(R"({"order": 1, "files": [], "replaced": 7, "run": "r", "dataset": [1]})"),
      as_text(std::string(3 << 20, ' ') + "{}")};
  for (std::size_t i = 0; i < foreign.size(); ++i) {
    SCOPED_TRACE(i);
    const auto& put = foreign[i];
    fs::remove_all(out(""));
    fs::create_directories(out(""));
    put();
    const Failure before = fail(staging());
    EXPECT_EQ(before.code(), "deliver.manifest_foreign") << "already at the staging";
    EXPECT_EQ(listing(), (std::set<std::string>{"manifest.json"})) << "and leaves nothing";

    fs::remove_all(out("manifest.json"));
    const Finished staged = stage();
    put();
    const Failure failure = fail(publishing(staged, 1));
    EXPECT_EQ(failure.code(), "deliver.manifest_foreign") << failure.message();
    EXPECT_EQ(failure.error_class(), "User");
  }
}

TEST_F(RunnerDelivery, what_was_staged_and_never_published_goes_with_the_next_delivery) {
  const Finished never = stage();
  folder_.write("out/planes/manifest.json", R"({"name": "a web application"})");
  EXPECT_EQ(fail(publishing(never, 1)).code(), "deliver.manifest_foreign");
  fs::remove(out("manifest.json"));
  // Another run's, which may still come to be published; and one of this very order.
  folder_.write("out/planes/.staging/01another-3-9/planes-00000.csv", "x");
  v1alpha1::ToRunner other = staging();
  other.mutable_assign()->mutable_description()->mutable_attempt()->set_run_id(
      std::string(15, '\0') + "\2");
  const auto staged = finish(other);
  ASSERT_TRUE(staged.has_value());
  publish(*staged, 2);
  EXPECT_EQ(listing(".staging"), (std::set<std::string>{"01another-3-9"}));
}

TEST_F(RunnerDelivery, takes_the_place_of_another_installations_delivery_whatever_its_order) {
  folder_.write("out/planes/planes-00000.1.csv", "theirs");
  folder_.write("out/planes/manifest.json", R"({"dataset": "planes", "snapshot": "s", "run": "r",
      "installation": "another", "order": 14, "rows": 1, "replaced": [],
      "files": [{"name": "planes-00000.1.csv", "rows": 1, "bytes": 6, "checksum": ""}]})");
  const Finished staged = stage();
  EXPECT_EQ(publish(staged, 1), "3,322 rows delivered");
  EXPECT_EQ(manifest()["order"], 1);
  EXPECT_EQ(fs::file_size(out(delivered())), manifest()["files"][0]["bytes"]);
  EXPECT_EQ(listing(), (std::set<std::string>{".millrace.lock", "manifest.json", delivered()}));
  // Between this installation's own, the greater order wins.
  const Finished older = stage();
  publish(stage(), 3);
  EXPECT_EQ(publish(older, 2), "gave way: a newer delivery is in place");
}

TEST_F(RunnerDelivery, a_publication_told_again_after_another_installation_replaced_it_gives_way) {
  const Finished staged = stage();
  publish(staged, 1);
  json theirs = manifest();
  theirs["installation"] = "another";
  theirs["replaced"] = {delivered()};
  theirs["files"] = json::array();
  fs::remove(out(delivered()));
  folder_.write("out/planes/manifest.json", theirs.dump());
  EXPECT_EQ(publish(staged, 1), "gave way: a newer delivery is in place");
}

TEST_F(RunnerDelivery, where_there_is_no_folder_nobody_tries_again) {
  folder_.write("out/planes", "a file");
  for (const char* const below : {"", "/deeper"}) {
    json deliver = deliver_of("planes");
    deliver["deliver"]["to"]["objectStore"]["url"] = "file://" + folder_ / "out/planes" + below;
    v1alpha1::ToRunner message = assignment("to_store", deliver);
    add_input(message, "planes", *rows_);
    const Failure failure = fail(message);
    EXPECT_EQ(failure.code(), "deliver.not_a_folder") << failure.message();
    EXPECT_EQ(failure.error_class(), "User");
  }
}

TEST_F(RunnerDelivery, a_lock_that_is_no_file_fails_at_once) {
  fs::create_directories(out(".millrace.lock"));
  const Failure failure = fail(staging());
  EXPECT_EQ(failure.code(), "deliver.name_taken") << failure.message();
}

// A destination that is not mounted looks like an empty folder: what was staged there is not lost.
TEST_F(RunnerDelivery, a_destination_that_is_away_is_waited_for_and_a_staging_that_is_gone_is_not) {
  const Finished staged = stage();
  fs::rename(folder_ / "out", folder_ / "unmounted");
  fs::create_directories(folder_ / "out");
  const Failure away = fail(publishing(staged, 1));
  EXPECT_EQ(away.code(), "deliver.destination_away") << away.message();
  EXPECT_EQ(away.error_class(), "Infrastructure");
  EXPECT_TRUE(fs::is_empty(folder_ / "out")) << "nothing is made where a mount point is";
  fs::remove_all(folder_ / "out");
  fs::rename(folder_ / "unmounted", folder_ / "out");
  fs::remove_all(out(".staging"));
  const Failure gone = fail(publishing(staged, 1));
  EXPECT_EQ(gone.code(), "deliver.staging_lost") << gone.message();
  EXPECT_EQ(gone.error_class(), "User");
}

}  // namespace
}  // namespace millrace::runner
