#include "cli/watch_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "cli/text.h"

namespace millrace::cli {
namespace {

constexpr int kBarWidth = 10;
constexpr int kTimeWidth = 7;
constexpr int kUsualWidth = 80;

enum class Color { kNone, kGreen, kRed, kYellow, kDim };

struct Sign {
  const char* unicode;
  const char* ascii;
  Color color;
};

Sign sign_of(const TaskView& task) {
  switch (task.phase) {
    case TaskPhase::kPending:
    case TaskPhase::kReady:
      return {"-", "-", Color::kDim};
    case TaskPhase::kRunning:
      return {"◐", ">", Color::kYellow};
    case TaskPhase::kCancelling:
      return {"◐", ">", Color::kRed};
    case TaskPhase::kBackingOff:
      return {"↻", "~", Color::kYellow};
    case TaskPhase::kSucceeded:
      return {"✓", "+", Color::kGreen};
    case TaskPhase::kFailed:
      return {"✗", "x", Color::kRed};
    case TaskPhase::kSkipped:
      return {"○", "o", Color::kDim};
    case TaskPhase::kCancelled:
      return {"⊘", "c", Color::kDim};
  }
  return {"?", "?", Color::kNone};
}

std::string painted(const std::string& text, Color color, const Look& look) {
  if (!look.color || color == Color::kNone) return text;
  const char* code = color == Color::kGreen    ? "32"
                     : color == Color::kRed    ? "31"
                     : color == Color::kYellow ? "33"
                                               : "2";
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts)
    if (!part.empty()) text += (text.empty() ? "" : separator) + part;
  return text;
}

Micros running_time(const TaskView& task, WallTime now) {
  if (task.started.value() == 0) return Micros(0);
  return (task.ended.value() != 0 ? task.ended : now) - task.started;
}

// Of a few rows a rate says nothing.
std::string task_rate(const TaskView& task, WallTime now) {
  return task.rows < 1'000 ? "" : rate_text(task.rows, running_time(task, now));
}

std::string rows_text(const TaskView& task) {
  return task.rows > 0 ? counted(task.rows, "row") : "";
}

std::string bar(double fraction) {
  const int full = std::clamp(static_cast<int>(std::lround(fraction * kBarWidth)), 0, kBarWidth);
  return std::string(static_cast<std::size_t>(full), '=') +
         std::string(static_cast<std::size_t>(kBarWidth - full), '-');
}

std::string open_needs(const TaskView& task, const RunView& run) {
  std::vector<std::string> open;
  for (const std::string& need : task.needs)
    for (const TaskView& other : run.tasks)
      if (other.name == need && !has_ended(other.phase)) open.push_back(need);
  return joined(open, ", ");
}

// What stands behind a task's name.
std::string detail(const TaskView& task, const RunView& run, WallTime now) {
  const std::string attempt = task.attempt > 1 ? "attempt " + std::to_string(task.attempt) : "";
  const std::string message = printable(task.message);
  switch (task.phase) {
    case TaskPhase::kPending: {
      const std::string needs = open_needs(task, run);
      return needs.empty() ? "waits" : "waits for " + needs;
    }
    case TaskPhase::kReady:
      return message.empty() ? "waits for room" : message;
    case TaskPhase::kRunning: {
      if (task.publishing) return joined({"publishes", attempt}, "  ");
      std::string progress;
      if (task.fraction >= 0)
        progress =
            padded_left(
                std::to_string(static_cast<int>(std::clamp(task.fraction, 0.0, 1.0) * 100)) + "%",
                4) +
            " " + bar(task.fraction);
      return joined({progress, rows_text(task), task_rate(task, now), attempt}, "  ");
    }
    case TaskPhase::kCancelling:
      return "stopping";
    case TaskPhase::kBackingOff: {
      const Micros left = task.retry_at - now;
      const std::string when =
          left.value() > 0 ? "tries again in " + duration_text(left) : "tries again";
      return joined({when, attempt.empty() ? "after attempt 1" : "after " + attempt, message},
                    "  ");
    }
    case TaskPhase::kSucceeded:
      return joined({message.empty() ? rows_text(task) : message, task_rate(task, now), attempt},
                    "  ");
    case TaskPhase::kFailed:
      return joined({message, attempt}, "  ");
    case TaskPhase::kSkipped:
      return message.empty() ? "skipped" : "skipped: " + message;
    case TaskPhase::kCancelled:
      return "cancelled";
  }
  return "";
}

struct Columns {
  int name = 0;
  int detail = 0;
};

// "sign name  detail      time"
std::string task_line(const TaskView& task, const RunView& run, WallTime now,
                      const Columns& columns, const Look& look) {
  const Sign sign = sign_of(task);
  const std::string time = task.started.value() == 0 ? "" : duration_text(running_time(task, now));
  std::string line = padded(fit(task.name, columns.name), columns.name) + "  " +
                     padded(fit(detail(task, run, now), columns.detail), columns.detail) + " " +
                     padded_left(time, kTimeWidth);
  line.erase(line.find_last_not_of(' ') + 1);
  return painted(look.unicode ? sign.unicode : sign.ascii, sign.color, look) + " " + line;
}

// The time stands where the line of a usual terminal ends, further right only where a detail needs
// it.
Columns columns_for(const RunView& run, WallTime now, const Look& look) {
  Columns columns{4, 0};
  for (const TaskView& task : run.tasks) {
    columns.name = std::max(columns.name, display_width(task.name));
    columns.detail = std::max(columns.detail, display_width(detail(task, run, now)));
  }
  columns.name = std::min(columns.name, std::max(8, look.width / 3));
  const int taken = 2 + columns.name + 2 + 1 + kTimeWidth;
  columns.detail = std::min(std::max(columns.detail, kUsualWidth - taken), look.width - taken);
  return columns;
}

// Many tasks of one phase in one line: "- a, b, c and 12 more wait".
std::string gathered(const std::vector<const TaskView*>& tasks, const char* verb,
                     const Look& look) {
  const Sign sign = sign_of(*tasks.front());
  std::string names;
  std::size_t shown = 0;
  for (const TaskView* task : tasks) {
    const std::size_t rest = tasks.size() - shown - 1;
    const std::string more = rest > 0 ? " and " + std::to_string(rest) + " more " : " ";
    const std::string longer = names + (shown > 0 ? ", " : "") + task->name;
    if (shown > 0 && display_width(longer + more + verb) + 2 > look.width) break;
    names = longer;
    ++shown;
  }
  const std::size_t rest = tasks.size() - shown;
  const std::string text =
      names + (rest > 0 ? " and " + std::to_string(rest) + " more " : " ") + verb;
  return painted(look.unicode ? sign.unicode : sign.ascii, sign.color, look) + " " +
         fit(text, look.width - 2);
}

std::string last_line(const RunView& run, WallTime now, const Look& look) {
  const Micros time = (run.ended() ? run.finished : now) - run.created;
  std::string text = std::to_string(run.done()) + "/" + std::to_string(run.tasks.size()) + ", " +
                     duration_text(time);
  if (!run.ended())
    return fit(text + (run.phase == "Paused" ? ", paused" : "") + "; Ctrl-C leaves it running",
               look.width);
  const Color color = run.phase == "Succeeded" ? Color::kGreen : Color::kRed;
  text = fit(joined({run.phase + " " + text, printable(run.message)}, ": "), look.width);
  return painted(text, color, look);
}

std::string run_line(const RunView& run) {
  std::string line = run.name + " " + run.phase;
  if (run.ended())
    line += " " + std::to_string(run.done()) + "/" + std::to_string(run.tasks.size()) + ", " +
            duration_text(run.finished - run.created);
  if (!run.message.empty()) line += ": " + printable(run.message);
  return line;
}

}  // namespace

std::vector<std::string> picture(const RunView& run, WallTime now, const Look& look) {
  const Columns columns = columns_for(run, now, look);
  // Which phases give up their lines, the least interesting first, until the rest fits.
  struct Gathering {
    TaskPhase phase;
    const char* verb;
  };
  constexpr std::array<Gathering, 6> kOrder = {{{TaskPhase::kSucceeded, "done"},
                                                {TaskPhase::kSkipped, "skipped"},
                                                {TaskPhase::kPending, "wait"},
                                                {TaskPhase::kCancelled, "cancelled"},
                                                {TaskPhase::kReady, "wait for room"},
                                                {TaskPhase::kRunning, "run"}}};
  std::map<TaskPhase, std::vector<const TaskView*>> by_phase;
  for (const TaskView& task : run.tasks) by_phase[task.phase].push_back(&task);
  const std::size_t room = static_cast<std::size_t>(std::max(4, look.height - 1));
  std::size_t lines = run.tasks.size();
  std::map<TaskPhase, const char*> gather;
  for (const Gathering& next : kOrder) {
    if (lines <= room) break;
    const auto it = by_phase.find(next.phase);
    if (it == by_phase.end() || it->second.size() < 2) continue;
    gather[next.phase] = next.verb;
    lines -= it->second.size() - 1;
  }

  std::vector<std::string> picture;
  for (const TaskView& task : run.tasks) {
    const auto it = gather.find(task.phase);
    if (it == gather.end()) {
      picture.push_back(task_line(task, run, now, columns, look));
    } else if (by_phase[task.phase].front() == &task) {
      picture.push_back(gathered(by_phase[task.phase], it->second, look));
    }
  }
  if (picture.size() > room) {
    const std::size_t hidden = picture.size() - room + 1;
    picture.resize(room - 1);
    picture.push_back("  … " + std::to_string(hidden) + " more");
  }
  picture.push_back(last_line(run, now, look));
  return picture;
}

std::vector<std::string> changes(const RunView& before, const RunView& after) {
  std::vector<std::string> lines;
  // A run begins before its tasks and ends after them.
  const bool run_first = before.phase != after.phase && !after.ended();
  if (run_first) lines.push_back(run_line(after));
  for (std::size_t i = 0; i < after.tasks.size(); ++i) {
    const TaskView& task = after.tasks[i];
    const bool same = i < before.tasks.size() && before.tasks[i].phase == task.phase &&
                      before.tasks[i].attempt == task.attempt &&
                      before.tasks[i].publishing == task.publishing;
    // Ready lasts a moment unless there is no room, which its message then says.
    const bool quiet = task.phase == TaskPhase::kReady && task.message.empty();
    if (same || quiet || (i >= before.tasks.size() && task.phase == TaskPhase::kPending)) continue;
    std::vector<std::string> facts;
    const std::string message = printable(task.message);
    if (task.publishing && task.phase == TaskPhase::kRunning) facts.emplace_back("publishes");
    if (task.attempt > 1) facts.push_back("attempt " + std::to_string(task.attempt));
    const bool tells_rows = task.phase == TaskPhase::kSucceeded && message.empty();
    facts.push_back(tells_rows ? rows_text(task) : message);
    if (has_ended(task.phase) && task.started.value() != 0)
      facts.push_back(duration_text(running_time(task, task.ended)));
    const std::string rest = joined(facts, ", ");
    lines.push_back(task.name + " " + std::string(to_string(task.phase)) +
                    (rest.empty() ? "" : ": " + rest));
  }
  if (before.phase != after.phase && !run_first) lines.push_back(run_line(after));
  return lines;
}

}  // namespace millrace::cli
