#include "scheduler/engine/sweeper.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"

namespace millrace::scheduler {
namespace {

constexpr std::size_t kFilesAtOnce = 500;

void keep_first(std::optional<Error>& trouble, Status status) {
  if (!status.ok() && !trouble) trouble = std::move(status).error();
}

}  // namespace

SweepReport Sweeper::round(Now now) {
  SweepReport report;
  keep_first(report.trouble, expire(now));
  keep_first(report.trouble, delete_marked(now, report));
  keep_first(report.trouble, look_for_orphans(now));
  keep_first(report.trouble, delete_orphans(now, report));
  report.waiting = periods_.size();
  return report;
}

Status Sweeper::expire(Now now) {
  Micros shortest = settings_.snapshot_retention;
  for (const auto& [dataset, retention] : settings_.dataset_retention)
    shortest = std::min(shortest, retention);
  MILLRACE_TRY(page,
               ports_.catalog.replaced(now.wall + (Micros(1) - shortest), settings_.snapshots_kept,
                                       asked_up_to_, limits_.snapshots));
  // Those that are pinned stay where they are: the next page must not wait behind them.
  asked_up_to_ = page.next;
  // Also without any: plan() takes it as the time to let go of what it holds for reruns.
  return ports_.engine.ask({RequestId(), std::move(page.datasets)});
}

Status Sweeper::delete_marked(Now now, SweepReport& report) {
  MILLRACE_TRY(newest, ports_.catalog.newest_mark());
  if (newest > (seen_marks_.empty() ? ripe_mark_ : seen_marks_.back().newest_mark))
    seen_marks_.push_back({now.monotonic, newest});
  while (!seen_marks_.empty() && now.monotonic - seen_marks_.front().at >= sweep_grace(settings_)) {
    ripe_mark_ = seen_marks_.front().newest_mark;
    seen_marks_.pop_front();
  }
  if (newest == 0 || ripe_mark_ == 0) return ok_status();
  return delete_up_to(ripe_mark_, report);
}

Status Sweeper::delete_up_to(std::int64_t last, SweepReport& report) {
  std::int64_t after = 0;
  for (std::size_t looked_at = 0; looked_at < limits_.files;) {
    MILLRACE_TRY(files, ports_.catalog.marked(after, last, kFilesAtOnce));
    if (files.empty()) break;
    looked_at += files.size();
    after = files.back().mark;
    std::vector<std::int64_t> gone;
    MILLRACE_FAILPOINT("sweep.before_delete");
    for (const MarkedFile& file : files) {
      Status removed = ports_.folder.remove(file.path);
      if (removed.ok()) gone.push_back(file.mark);
      keep_first(report.trouble, std::move(removed));
      MILLRACE_FAILPOINT("sweep.in_delete");
    }
    MILLRACE_FAILPOINT("sweep.after_delete");
    MILLRACE_RETURN_IF_ERROR(ports_.catalog.forget(gone));
    MILLRACE_FAILPOINT("sweep.after_forget");
    report.files += gone.size();
  }
  return ok_status();
}

Status Sweeper::delete_orphans(Now now, SweepReport& report) {
  const std::vector<AttemptPrefix> ripe =
      periods_.over(now.monotonic, sweep_grace(settings_), limits_.prefixes);
  if (ripe.empty()) return ok_status();
  MILLRACE_TRY(fates, ports_.engine.fates(ripe));
  // Asked after the engine: an attempt that is over has its success in the catalog by now, if it
  // had one.
  MILLRACE_TRY(referenced, ports_.catalog.referenced(ripe));
  MILLRACE_FAILPOINT("sweep.before_orphans");
  for (std::size_t i = 0; i < ripe.size(); ++i) {
    periods_.forget(ripe[i]);
    if (!fates[i].over || referenced.contains(ripe[i])) continue;
    Status removed = ports_.folder.remove(ripe[i], fates[i].run_over);
    if (removed.ok()) ++report.prefixes;
    keep_first(report.trouble, std::move(removed));  // the walk comes by again
    MILLRACE_FAILPOINT("sweep.in_orphans");
  }
  return ok_status();
}

Status Sweeper::look_for_orphans(Now now) {
  if (!installed_) {
    MILLRACE_TRY(installed, ports_.catalog.installed());
    installed_ = installed;
  }
  MILLRACE_TRY(found, ports_.folder.attempts(walked_up_to_, limits_.prefixes));
  walked_up_to_ = found.size() < limits_.prefixes ? std::nullopt : std::optional(found.back());
  const RunId first_of_ours = RunId::make(*installed_, 0, 0);
  std::erase_if(found, [&](const AttemptPrefix& each) { return each.run < first_of_ours; });
  if (found.empty()) return ok_status();
  MILLRACE_TRY(fates, ports_.engine.fates(found));
  MILLRACE_TRY(referenced, ports_.catalog.referenced(found));
  for (std::size_t i = 0; i < found.size(); ++i)
    if (fates[i].over && !referenced.contains(found[i]))
      periods_.found_free(found[i], now.monotonic);
  return ok_status();
}

}  // namespace millrace::scheduler
