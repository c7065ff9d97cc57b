#include "scheduler/main/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>

namespace millrace::scheduler {
namespace {

constexpr double kMicrosPerSecond = 1e6;

// What is counted when something is amiss. Refusals of what people ask for come besides.
constexpr const char* kReasons[] = {"admission.full",   "attempt.failed",      "cancel.unanswered",
                                    "dataset.conflict", "heartbeat.fenced",    "lease.expired",
                                    "lease.fenced",     "leader.stepped_down", "loop.stalled",
                                    "result.repeated",  "worker.slow",         "worker.unknown"};

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
        lost_connections(counter(registry, "millrace_store_lost_connections_total",
                                 "Connections to the database that were lost")),
        commit_seconds(
            prometheus::BuildHistogram()
                .Name("millrace_store_commit_seconds")
                .Help("How long commits took, attempts that were repeated included")
                .Register(registry)
                .Add({},
                     prometheus::Histogram::BucketBoundaries{0.001, 0.0025, 0.005, 0.01, 0.025,
                                                             0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10})),
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
                    .Register(registry)) {
    // There from the beginning: what appears with its first event has no rate at that event.
    for (const char* reason : kReasons) reasons.Add({{"reason", reason}});
  }

  prometheus::Gauge& leading;
  prometheus::Gauge& live_tasks;
  prometheus::Gauge& live_runs;
  prometheus::Gauge& workers;
  prometheus::Gauge& pending_inputs;
  prometheus::Gauge& oldest_ready_age;
  prometheus::Gauge& store_connected;
  prometheus::Gauge& store_stalled;
  prometheus::Counter& lost_connections;
  prometheus::Histogram& commit_seconds;
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
  store(health);
}

void Metrics::store(const StoreHealth& health) {
  series_->store_connected.Set(health.connected ? 1 : 0);
  series_->store_stalled.Set(health.trouble ? 1 : 0);
  const auto lost = static_cast<double>(health.lost_connections);
  series_->lost_connections.Increment(lost - series_->lost_connections.Value());
}

void Metrics::committed(Micros took) {
  series_->commit_seconds.Observe(static_cast<double>(took.value()) / kMicrosPerSecond);
}

}  // namespace millrace::scheduler
