#include "scheduler/simulation/dice.h"

#include <algorithm>

namespace millrace::simulation {

Micros Dice::delay() {
  if (!healed_ && random_.chance(faults_.message_late)) {
    ++counts_.messages_late;
    return Micros(random_.between(1, faults_.late_by.value()));
  }
  return Micros(random_.between(200, 2'000));
}

int Dice::copies() {
  if (healed_) return 1;
  ++counts_.messages;
  if (random_.chance(faults_.message_lost)) {
    ++counts_.messages_lost;
    return 0;
  }
  if (!random_.chance(faults_.message_doubled)) return 1;
  ++counts_.messages_doubled;
  return 2;
}

CommitFate Dice::commit() {
  CommitFate fate{Micros(random_.between(100, 2'000)), Micros(0), false};
  if (!healed_) {
    const bool slow = random_.chance(faults_.commit_slow);
    if (slow) fate.reaches_log = Micros(random_.between(1, faults_.slow_by.value()));
    const bool never = random_.chance(faults_.commit_never);
    if (never) fate.reaches_log = Micros(-1);
    fate.answer_lost = random_.chance(faults_.commit_unanswered);
    ++counts_.commits;
    counts_.commits_never += never ? 1 : 0;
    counts_.commits_unanswered += fate.answer_lost && !never ? 1 : 0;
    counts_.commits_slow += slow && !never ? 1 : 0;
  }
  fate.answered = std::max(fate.reaches_log, Micros(0)) + Micros(random_.between(50, 500));
  // An answer that was lost is given up some time later, perhaps before the commit takes effect.
  if (fate.answer_lost) fate.answered = Micros(random_.between(1'000, 2'000'000));
  return fate;
}

}  // namespace millrace::simulation
