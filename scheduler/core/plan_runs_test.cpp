// What runs are called, and what their tasks say that did not run: told by names, which scenarios
// leave out.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/apply.h"
#include "scheduler/core/plan.h"

namespace millrace::scheduler {
namespace {

constexpr std::uint64_t kEnd = 0x123456789abcdefULL;  // of run ids, from which names are made

class PlanRuns : public ::testing::Test {
 protected:
  // Tasks by name, and what they need.
  using Tasks = std::vector<std::pair<std::string, std::vector<std::uint32_t>>>;

  static WorkflowSpecRef spec_of(const Tasks& tasks) {
    auto spec = std::make_shared<WorkflowSpec>();
    for (const auto& [name, needs] : tasks) {
      TaskSpec& task = spec->tasks.emplace_back();
      task.name = name;
      task.request = {MilliCpu(1'000), Bytes(0), Bytes(0)};
      for (const std::uint32_t need : needs) task.needs.emplace_back(need);
    }
    EXPECT_TRUE(spec->finish().ok());
    return spec;
  }
  // Plans, and applies what was planned.
  std::vector<Event> step(const Input& input, Micros after = Micros(0)) {
    return steps({input}, after);
  }
  std::vector<Event> steps(const std::vector<Input>& inputs, Micros after) {
    const Now now{WallTime(1'700'000'000'000'000) + after, Monotonic(1'000'000'000) + after};
    for (const Input& input : inputs) liveness_.observe(input, state_, now);
    liveness_.advance(state_, now, settings_);
    std::vector<Event> events = plan(state_, liveness_, inputs, now, settings_).events;
    liveness_.clear_due();
    for (const Event& event : events) {
      apply(state_, event);
      liveness_.applied(event, state_, now, settings_);
    }
    return events;
  }
  SubmitRun submission(const std::string& workflow, const Tasks& tasks) {
    SubmitRun submit;
    submit.request = RequestId(++submitted_);
    submit.run = RunId(RawId{submitted_, kEnd});
    submit.ns = "team";
    submit.workflow = workflow;
    submit.spec = spec_of(tasks);
    return submit;
  }
  std::string name_of_next_run(const std::string& workflow) {
    for (const Event& event : step(submission(workflow, {{"a", {}}})))
      if (const auto* created = std::get_if<events::RunCreated>(&event)) return created->name;
    return "";
  }
  // What each task said at its end.
  static std::map<std::uint32_t, std::string> messages(const std::vector<Event>& events) {
    std::map<std::uint32_t, std::string> said;
    for (const Event& event : events)
      if (const auto* ended = std::get_if<events::TaskEnded>(&event))
        said[ended->task.task.value()] = ended->message;
    return said;
  }

  State state_;
  Liveness liveness_;
  Settings settings_;
  std::uint64_t submitted_ = 0;
};

TEST_F(PlanRuns, made_up_names_can_be_asked_for) {
  char letter = 'a';
  for (const std::size_t length : {1, 37, 56, 57, 58, 63}) {
    const std::string workflow(length, letter++);
    const std::string name = name_of_next_run(workflow);
    EXPECT_LE(name.size(), 63U) << name;
    EXPECT_EQ(name.substr(0, std::min<std::size_t>(length, 57)),
              workflow.substr(0, std::min<std::size_t>(length, 57)));
    // Taken now: the next one takes more of its id, and still fits.
    const std::string second = name_of_next_run(workflow);
    EXPECT_LE(second.size(), 63U) << second;
    EXPECT_NE(second, name);
  }
  const std::string cut_at_a_dash = name_of_next_run(std::string(56, 'w') + "-more");
  EXPECT_EQ(cut_at_a_dash.substr(0, 56), std::string(56, 'w'));
  EXPECT_EQ(cut_at_a_dash.find("--"), std::string::npos) << cut_at_a_dash;
}

TEST_F(PlanRuns, what_is_skipped_names_the_task_that_was_the_cause) {
  const WorkerId worker(RawId{9, 9});
  step(WorkerJoined{worker, "w", {MilliCpu(8'000), Bytes(0), Bytes(0)}, {}, {}, 0, {}});
  // first ── second ── third, and other beside it
  const std::vector<Event> placed =
      step(submission("flow", {{"first", {}}, {"second", {0}}, {"third", {1, 3}}, {"other", {}}}));
  const auto attempt = std::find_if(placed.begin(), placed.end(), [](const Event& event) {
    const auto* e = std::get_if<events::AttemptPlaced>(&event);
    return e != nullptr && e->attempt.task == TaskIndex(0);
  });
  ASSERT_NE(attempt, placed.end());
  const auto said = messages(step(AttemptFailed{worker,
                                                std::get<events::AttemptPlaced>(*attempt).attempt,
                                                {ErrorClass::kUser, "data.bad", "no", 0},
                                                nullptr},
                                  seconds(1)));
  EXPECT_EQ(said,
            (std::map<std::uint32_t, std::string>{{1, "\"first\", on which it depends, failed"},
                                                  {2, "\"first\", on which it depends, failed"}}));
}

TEST_F(PlanRuns, what_found_no_room_in_time_says_what_was_short) {
  step(WorkerJoined{
      WorkerId(RawId{9, 9}), "w", {MilliCpu(1'500), Bytes(0), Bytes(0)}, {}, {}, 0, {}});
  step(submission("busy", {{"first", {}}}));
  SubmitRun waits = submission("waits", {{"late", {}}});
  auto spec = std::make_shared<WorkflowSpec>(*waits.spec);
  spec->tasks[0].queue_timeout = seconds(5);
  waits.spec = spec;
  step(waits);
  const auto said = messages(steps({}, seconds(5)));
  EXPECT_EQ(said, (std::map<std::uint32_t, std::string>{
                      {0,
                       "found no room within its queueTimeout: every worker that is large enough "
                       "is busy: w short 0.5 CPU"}}));
}

}  // namespace
}  // namespace millrace::scheduler
