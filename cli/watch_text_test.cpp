// MILLRACE_UPDATE_GOLDEN=1 writes the screens anew; read the difference before it is committed.
#include "cli/watch_text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "base/contents.h"
#include "cli/text.h"

namespace millrace::cli {
namespace {

WallTime at(std::int64_t ms) { return WallTime(1'767'225'600'000'000 + ms * 1'000); }

TaskView task(const std::string& name, TaskPhase phase, std::vector<std::string> needs = {}) {
  TaskView view;
  view.name = name;
  view.phase = phase;
  view.needs = std::move(needs);
  return view;
}

RunView started() {
  RunView run;
  run.name = "flights-7k2";
  run.workflow = "flights";
  run.phase = "Running";
  run.created = at(0);
  run.tasks = {task("load_flights", TaskPhase::kReady), task("load_weather", TaskPhase::kReady),
               task("load_planes", TaskPhase::kReady),
               task("delays", TaskPhase::kPending, {"load_flights", "load_weather", "load_planes"}),
               task("to_folder", TaskPhase::kPending, {"delays"})};
  return run;
}

RunView in_the_middle() {
  RunView run = started();
  TaskView& flights = run.tasks[0];
  flights.phase = TaskPhase::kRunning;
  flights.attempt = 1;
  flights.started = at(20);
  flights.rows = 120'000;
  flights.fraction = 0.36;
  TaskView& weather = run.tasks[1];
  weather.phase = TaskPhase::kSucceeded;
  weather.attempt = 2;
  weather.started = at(20);
  weather.ended = at(260);
  weather.rows = 26'115;
  TaskView& planes = run.tasks[2];
  planes.phase = TaskPhase::kBackingOff;
  planes.attempt = 1;
  planes.started = at(20);
  planes.retry_at = at(3'000);
  planes.message = "the runner ended without a word";
  return run;
}

RunView failed() {
  RunView run = in_the_middle();
  run.phase = "Failed";
  run.finished = at(4'200);
  run.message = "load_planes: no file matches file:///data/planes.csv";
  run.tasks[0].phase = TaskPhase::kSucceeded;
  run.tasks[0].ended = at(900);
  run.tasks[0].rows = 336'776;
  run.tasks[0].message = "336,776 rows, 3 quarantined";
  run.tasks[2].phase = TaskPhase::kFailed;
  run.tasks[2].attempt = 3;
  run.tasks[2].ended = at(4'100);
  run.tasks[2].message =
      "no file matches file:///data/planes.csv \x1b[31mnor any other in this folder that one could "
      "think of";
  run.tasks[3].phase = TaskPhase::kSkipped;
  run.tasks[3].message = "load_planes failed";
  run.tasks[4].phase = TaskPhase::kCancelled;
  return run;
}

RunView publishing() {
  RunView run = in_the_middle();
  for (std::size_t i = 0; i < 4; ++i) {
    run.tasks[i].phase = TaskPhase::kSucceeded;
    run.tasks[i].started = at(20);
    run.tasks[i].ended = at(1'000);
    run.tasks[i].rows = 24;
  }
  run.tasks[4].phase = TaskPhase::kRunning;
  run.tasks[4].publishing = true;
  run.tasks[4].attempt = 2;
  run.tasks[4].started = at(1'100);
  return run;
}

RunView wide() {
  RunView run = started();
  run.tasks.clear();
  for (int i = 0; i < 60; ++i)
    run.tasks.push_back(task("shard_" + std::to_string(i), i < 30   ? TaskPhase::kSucceeded
                                                           : i < 34 ? TaskPhase::kRunning
                                                                    : TaskPhase::kPending));
  for (TaskView& view : run.tasks)
    if (view.phase == TaskPhase::kRunning) view.started = at(500);
  run.tasks.back().needs = {"shard_30"};
  return run;
}

struct Scene {
  const char* name;
  RunView run;
};
std::vector<Scene> scenes() {
  return {{"started", started()},
          {"in the middle", in_the_middle()},
          {"failed", failed()},
          {"publishing", publishing()},
          {"more tasks than lines", wide()}};
}

std::string screens(int width) {
  std::string text;
  for (const Scene& scene : scenes()) {
    text += std::string("# ") + scene.name + "\n";
    for (const std::string& line : picture(scene.run, at(1'900), {width, 16, true, false}))
      text += line + "\n";
  }
  text += "# no unicode\n";
  for (const std::string& line : picture(in_the_middle(), at(1'900), {width, 16, false, false}))
    text += line + "\n";
  text += "# colour\n";
  for (std::string line : picture(failed(), at(1'900), {width, 16, true, true})) {
    for (std::size_t escape; (escape = line.find('\x1b')) != std::string::npos;)
      line.replace(escape, 1, "<ESC>");
    text += line + "\n";
  }
  return text;
}

TEST(Picture, golden_at_80_and_200_columns) {
  for (const int width : {80, 200}) {
    const std::string path = std::string(std::getenv("MILLRACE_SOURCE_DIR")) +
                             "/cli/testdata/watch_" + std::to_string(width) + ".golden";
    const std::string screen = screens(width);
    if (std::getenv("MILLRACE_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << screen;
    EXPECT_EQ(screen, contents_of_file(path))
        << path << " (MILLRACE_UPDATE_GOLDEN=1 writes it anew)";
  }
}

TEST(Picture, fits_any_terminal) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    RunView run = started();
    run.tasks.clear();
    for (auto i = random() % 40; i > 0; --i) {
      TaskView view =
          task(std::string(1 + random() % 40, 'n'), static_cast<TaskPhase>(random() % 9));
      view.message = std::string(random() % 200, 'm');
      view.fraction = static_cast<double>(random() % 300) / 100 - 1;
      view.rows = static_cast<std::int64_t>(random()) * 1'000;
      view.attempt = static_cast<int>(random() % 4);
      view.started = at(static_cast<std::int64_t>(random() % 1'000));
      run.tasks.push_back(view);
    }
    const Look look{static_cast<int>(20 + random() % 200), static_cast<int>(6 + random() % 40),
                    true, false};
    const auto lines = picture(run, at(5'000), look);
    EXPECT_LE(lines.size(), static_cast<std::size_t>(look.height)) << "seed " << seed;
    for (const std::string& line : lines)
      EXPECT_LE(display_width(line), look.width) << "seed " << seed << ": " << line;
  }
}

TEST(Changes, a_line_for_each) {
  const RunView nothing;
  EXPECT_EQ(changes(nothing, started()), std::vector<std::string>{"flights-7k2 Running"});
  RunView no_room = started();
  no_room.tasks[0].message = "NoRoom";
  EXPECT_EQ(changes(nothing, no_room),
            (std::vector<std::string>{"flights-7k2 Running", "load_flights Ready: NoRoom"}));
  EXPECT_EQ(changes(started(), in_the_middle()),
            (std::vector<std::string>{"load_flights Running",
                                      "load_weather Succeeded: attempt 2, 26,115 rows, 240ms",
                                      "load_planes BackingOff: the runner ended without a word"}));
  EXPECT_EQ(
      changes(in_the_middle(), failed()),
      (std::vector<std::string>{
          "load_flights Succeeded: 336,776 rows, 3 quarantined, 880ms",
          "load_planes Failed: attempt 3, no file matches file:///data/planes.csv ?[31mnor any "
          "other in this "
          "folder that one could think of, 4.0s",
          "delays Skipped: load_planes failed", "to_folder Cancelled",
          "flights-7k2 Failed 5/5, 4.2s: load_planes: no file matches file:///data/planes.csv"}));
}

TEST(Changes, progress_alone_is_none) {
  RunView later = in_the_middle();
  later.tasks[0].rows = 200'000;
  later.tasks[0].fraction = 0.6;
  EXPECT_TRUE(changes(in_the_middle(), later).empty());
}

}  // namespace
}  // namespace millrace::cli
