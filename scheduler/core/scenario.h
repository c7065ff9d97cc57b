// Scenario: the language in which the core's behaviour is told, in tests and by the simulator,
// which prints a failing seed this way, to paste as the bug's test.
//
//   const std::string report = run_scenario(R"(
//      0s  worker w1, worker w2
//      0s  submit r1 {a; b: a}   -> created r1, ready a, a#1 on w1
//     31s  tick                  -> failed a#1 lease.expired retry.infrastructure
//     32s  w1 ok a#1             -> count lease.fenced
//   )");
//   EXPECT_EQ(report, "");
//
// A line is a time (s, m or h, since the start), an action, and after -> exactly what must follow:
// the events in their order, then counted reasons and refusals. Without an arrow, anything may
// follow.
//
// Actions: worker W [cpu=N] [mem=MiB] · W leaves · W back A… · W restarts as W2 · W beats A… ·
//   W ok A [wrote D[:COLUMNS]…] · W fails A CLASS CODE [exit=N] · submit R {TASKS} [parallel=N]
//   [timeout=T] [key=K] · rerun R of R0 [again=A+B] [changed=C] [key=K] · cancel R · pause R ·
//   resume R · tick · new leader. Several may stand before the arrow, with commas.
// TASKS: NAME[: NEEDS…] [(OPTIONS)], separated by ;. OPTIONS: on=Failure|Always reads=D writes=D
//   (D+D: what it sets aside as well) appends=D conflict=Fail publishes timeout=T attempt=T
//   queue=T cpu=N mem=MiB retry=N fail-run.
// A: a#2 is the second attempt of task a of run r1; r2/a#2 of run r2.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "scheduler/core/events.h"
#include "scheduler/core/settings.h"

namespace millrace::scheduler {

// "" when all came as told; otherwise the first line that did not, with what came instead.
std::string run_scenario(std::string_view text, const Settings& settings = {});

// What things are called in a scenario: runs r1, r2, …, workers w1, w2, …
struct ScenarioNames {
  std::map<RunId, std::string> runs;
  std::map<RunId, WorkflowSpecRef> specs;
  std::map<WorkerId, std::string> workers;

  std::string of(TaskRef task) const;               // "a", "r2/a"
  std::string of(const AttemptRef& attempt) const;  // "a#1"
};
// An event as it stands after the arrow.
std::string scenario_text(const Event& event, const ScenarioNames& names);

}  // namespace millrace::scheduler
