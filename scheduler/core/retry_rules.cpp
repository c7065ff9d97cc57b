#include "scheduler/core/retry_rules.h"

#include <algorithm>
#include <array>
#include <string>

namespace millrace::scheduler {
namespace {

constexpr Micros kShortWait = milliseconds(500);
constexpr Micros kLongWait = seconds(60);

bool is(const FailedAttempt& failed, ErrorClass error_class) {
  return failed.failure.error_class == error_class;
}

events::Decision again(std::string_view reason, const FailedAttempt& failed, WallTime now,
                       Micros initial, Micros max, bool elsewhere) {
  return events::Retry{now + backoff(initial, max, failed.task.failures, failed.ref), elsewhere,
                       std::string(reason)};
}

// At most `limit` attempts, the first included.
events::Decision up_to(std::uint32_t limit, std::string_view reason, const FailedAttempt& failed,
                       WallTime now, Micros initial, Micros max, bool elsewhere) {
  if (failed.task.failures + 1 >= limit) return events::GiveUp{"retry.exhausted"};
  return again(reason, failed, now, initial, max, elsewhere);
}

// The order matters: the first match decides. The first two come before the document's own rows.
constexpr std::size_t kBeforeTheDocument = 2;
const std::array<HouseRule, 9> kHouseRules{{
    // A task that takes its runners down is nobody's to retry for ever, a publication included.
    {"retry.quarantined",
     [](const FailedAttempt& f, const Settings& s) {
       return f.failure.code == "runner.crashed" && f.task.crashes + 1U >= s.max_crashes;
     },
     [](const FailedAttempt&, WallTime) -> events::Decision {
       return events::GiveUp{"retry.quarantined"};
     }},
    // Past the point of no return: what is staged is published, however long the destination is
    // away.
    {"retry.publication",
     [](const FailedAttempt& f, const Settings&) {
       return f.task.phase == Phase::kPublish && !is(f, ErrorClass::kUser) &&
              !is(f, ErrorClass::kPolicy);
     },
     [](const FailedAttempt& f, WallTime now) {
       return again("retry.publication", f, now, kShortWait, kLongWait, false);
     }},
    {"retry.crashed",
     [](const FailedAttempt& f, const Settings&) { return f.failure.code == "runner.crashed"; },
     [](const FailedAttempt& f, WallTime now) {
       return again("retry.crashed", f, now, kShortWait, kLongWait, true);
     }},
    // Another run moved the dataset's head: the attempt reads its pinned inputs again and writes on
    // the new one.
    {"retry.conflict",
     [](const FailedAttempt& f, const Settings&) { return f.failure.code == "dataset.conflict"; },
     [](const FailedAttempt& f, WallTime now) {
       return up_to(20, "retry.conflict", f, now, milliseconds(100), seconds(10), false);
     }},
    {"retry.infrastructure",
     [](const FailedAttempt& f, const Settings&) { return is(f, ErrorClass::kInfrastructure); },
     [](const FailedAttempt& f, WallTime now) {
       return up_to(10, "retry.infrastructure", f, now, milliseconds(100), seconds(30), true);
     }},
    {"retry.transient",
     [](const FailedAttempt& f, const Settings&) { return is(f, ErrorClass::kTransient); },
     [](const FailedAttempt& f, WallTime now) {
       return up_to(5, "retry.transient", f, now, seconds(1), kLongWait, false);
     }},
    // Of a disk that all share: somebody makes room, or the tasks that fill it end.
    {"retry.disk_full",
     [](const FailedAttempt& f, const Settings&) { return f.failure.code == "disk.full"; },
     [](const FailedAttempt& f, WallTime now) {
       return up_to(10, "retry.disk_full", f, now, seconds(1), kLongWait, true);
     }},
    {"retry.resource",
     [](const FailedAttempt& f, const Settings&) { return is(f, ErrorClass::kResource); },
     [](const FailedAttempt& f, WallTime now) {
       return up_to(3, "retry.resource", f, now, seconds(1), kLongWait, true);
     }},
    {"retry.never", [](const FailedAttempt&, const Settings&) { return true; },
     [](const FailedAttempt&, WallTime) -> events::Decision {
       return events::GiveUp{"retry.never"};
     }},
}};

template <typename T>
bool empty_or_has(const std::vector<T>& list, const T& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

bool matches(const RetryRow& row, const Failure& failure) {
  return empty_or_has(row.classes, failure.error_class) && empty_or_has(row.codes, failure.code) &&
         empty_or_has(row.exit_codes, failure.exit_code);
}

const RetryRow* first_match(const std::vector<RetryRow>& rows, const Failure& failure) {
  for (const RetryRow& row : rows)
    if (matches(row, failure)) return &row;
  return nullptr;
}

RetryDecision decide(const RetryRow& row, const FailedAttempt& failed, WallTime now) {
  switch (row.action) {
    case RetryRow::Action::kFailTask:
      return {events::GiveUp{"retry.document"}, false};
    case RetryRow::Action::kFailRun:
      return {events::GiveUp{"retry.document"}, true};
    case RetryRow::Action::kRetry:
      break;
  }
  return {up_to(row.max_attempts, "retry.document", failed, now, row.backoff_initial,
                row.backoff_max, row.elsewhere),
          false};
}

std::uint64_t mix(
    std::uint64_t x) {  // splitmix64's finalizer: https://prng.di.unimi.it/splitmix64.c
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace

Micros backoff(Micros initial, Micros max, std::uint32_t failures_before, TaskRef ref) {
  std::int64_t wait = initial.value();
  for (std::uint32_t i = 0; i < failures_before && wait < max.value(); ++i) wait *= 2;
  wait = std::min(wait, max.value());
  const std::uint64_t seed = ref.run.raw().low + 0x9E3779B97F4A7C15ULL * (ref.task.value() + 1ULL) +
                             0xD1B54A32D192ED03ULL * (failures_before + 1ULL);
  const double even = static_cast<double>(mix(seed) >> 11) * 0x1.0p-53;  // in [0, 1)
  const std::int64_t least = wait / 2;
  return Micros(least + static_cast<std::int64_t>(even * static_cast<double>(wait - least)));
}

std::span<const HouseRule> house_rules() { return kHouseRules; }

RetryDecision retry_decision(const FailedAttempt& failed, WallTime now, const Settings& settings) {
  for (const HouseRule& rule : house_rules().first(kBeforeTheDocument))
    if (rule.matches(failed, settings)) return {rule.decide(failed, now), false};
  if (const RetryRow* row = first_match(failed.task_spec.on_error, failed.failure))
    return decide(*row, failed, now);
  if (const RetryRow* row = first_match(failed.spec.on_error, failed.failure))
    return decide(*row, failed, now);
  for (const HouseRule& rule : kHouseRules)
    if (rule.matches(failed, settings)) return {rule.decide(failed, now), false};
  return {events::GiveUp{"retry.no_rule"}, false};
}

}  // namespace millrace::scheduler
