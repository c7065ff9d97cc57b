#include "scheduler/main/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>

namespace millrace::scheduler {
namespace {

constexpr double kMicrosPerSecond = 1e6;

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

// When the task that has been ready for longest became so; the wall clock's zero when none is.
WallTime oldest_ready(const State& state) {
  WallTime oldest;
  for (const auto& [group, runs] : state.ready()) {
    const auto& [place, tasks] = *runs.begin();
    const Task* task = state.task({place.run, *tasks.begin()});
    if (oldest == WallTime() || task->since < oldest) oldest = task->since;
  }
  return oldest;
}

}  // namespace

struct Metrics::Series {
  explicit Series(prometheus::Registry& registry)
      : leading(gauge(registry, "millrace_leading", "1 while this scheduler leads")),
        live_tasks(gauge(registry, "millrace_live_tasks", "Tasks of runs that have not ended")),
        live_runs(gauge(registry, "millrace_live_runs", "Runs that have not ended")),
        workers(gauge(registry, "millrace_workers_connected", "Workers whose stream is up")),
        pending_inputs(
            gauge(registry, "millrace_pending_inputs", "Inputs that wait for the next batch")),
        oldest_ready_age(gauge(registry, "millrace_oldest_ready_task_age_seconds",
                               "How long the task that waits longest for room has waited")),
        store_connected(
            gauge(registry, "millrace_store_connected", "1 while the database answers")),
        store_stalled(gauge(registry, "millrace_store_stalled",
                            "1 while the database takes nothing, as when its disk is full")),
        lost_connections(gauge(registry, "millrace_store_lost_connections",
                               "Connections to the database that were lost")),
        last_commit(gauge(registry, "millrace_store_last_commit_seconds",
                          "How long the latest commit took")),
        batches(counter(registry, "millrace_batches_total", "Batches that were committed")),
        events(counter(registry, "millrace_events_total", "Events that were committed")),
        batch_events(prometheus::BuildHistogram()
                         .Name("millrace_batch_events")
                         .Help("Events of a batch")
                         .Register(registry)
                         .Add({}, prometheus::Histogram::BucketBoundaries{1, 4, 16, 64, 256, 1024,
                                                                          4096, 16384})),
        snapshots_expired(counter(registry, "millrace_sweeper_snapshots_expired_total",
                                  "Snapshots whose retention was over")),
        files_deleted(counter(registry, "millrace_sweeper_files_deleted_total",
                              "Files of expired snapshots that were deleted")),
        orphans_deleted(counter(registry, "millrace_sweeper_orphans_deleted_total",
                                "Attempts that came to nothing whose files were deleted")),
        orphans_waiting(gauge(registry, "millrace_sweeper_orphans_waiting",
                              "Attempts that came to nothing whose files are deleted soon")),
        sweep_troubled(gauge(registry, "millrace_sweeper_troubled",
                             "1 while the latest round of sweeping met with an error")),
        reasons(prometheus::BuildCounter()
                    .Name("millrace_decisions_total")
                    .Help("Decisions that became no event, and other noteworthy ones, by reason")
                    .Register(registry)) {}

  prometheus::Gauge& leading;
  prometheus::Gauge& live_tasks;
  prometheus::Gauge& live_runs;
  prometheus::Gauge& workers;
  prometheus::Gauge& pending_inputs;
  prometheus::Gauge& oldest_ready_age;
  prometheus::Gauge& store_connected;
  prometheus::Gauge& store_stalled;
  prometheus::Gauge& lost_connections;
  prometheus::Gauge& last_commit;
  prometheus::Counter& batches;
  prometheus::Counter& events;
  prometheus::Histogram& batch_events;
  prometheus::Counter& snapshots_expired;
  prometheus::Counter& files_deleted;
  prometheus::Counter& orphans_deleted;
  prometheus::Gauge& orphans_waiting;
  prometheus::Gauge& sweep_troubled;
  prometheus::Family<prometheus::Counter>& reasons;  // labels are codes of our own: bounded
};

Metrics::Metrics(prometheus::Registry& registry) : series_(std::make_unique<Series>(registry)) {}
Metrics::~Metrics() = default;

void Metrics::counted(const std::string& reason, std::uint64_t count) {
  series_->reasons.Add({{"reason", reason}}).Increment(static_cast<double>(count));
}

void Metrics::applied(const Batch& batch) {
  series_->batches.Increment();
  series_->events.Increment(static_cast<double>(batch.events.size()));
  series_->batch_events.Observe(static_cast<double>(batch.events.size()));
  for (const Event& event : batch.events)
    if (const auto* expired = std::get_if<events::SnapshotsExpired>(&event))
      series_->snapshots_expired.Increment(static_cast<double>(expired->snapshots.size()));
}

void Metrics::swept(const SweepReport& report) {
  series_->files_deleted.Increment(static_cast<double>(report.files));
  series_->orphans_deleted.Increment(static_cast<double>(report.prefixes));
  series_->orphans_waiting.Set(static_cast<double>(report.waiting));
  series_->sweep_troubled.Set(report.trouble ? 1 : 0);
}

void Metrics::round(const Engine& engine, const StoreHealth& health, WallTime now) {
  const State& state = engine.state();
  series_->leading.Set(engine.role() == Role::kLeading ? 1 : 0);
  series_->live_tasks.Set(static_cast<double>(state.live_tasks()));
  series_->live_runs.Set(static_cast<double>(state.runs().size()));
  const auto& workers = engine.liveness().workers();
  series_->workers.Set(static_cast<double>(std::count_if(
      workers.begin(), workers.end(), [](const auto& entry) { return entry.second.connected; })));
  series_->pending_inputs.Set(static_cast<double>(engine.pending()));
  const WallTime oldest = oldest_ready(state);
  series_->oldest_ready_age.Set(
      oldest == WallTime() ? 0 : static_cast<double>((now - oldest).value()) / kMicrosPerSecond);
  series_->store_connected.Set(health.connected ? 1 : 0);
  series_->store_stalled.Set(health.trouble ? 1 : 0);
  series_->lost_connections.Set(static_cast<double>(health.lost_connections));
  series_->last_commit.Set(static_cast<double>(health.last_commit.value()) / kMicrosPerSecond);
}

}  // namespace millrace::scheduler
