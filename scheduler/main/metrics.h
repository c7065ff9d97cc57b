// Metrics of the scheduler, by Prometheus' conventions: base units, bounded labels.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "scheduler/engine/engine.h"
#include "scheduler/engine/sweeper.h"
#include "scheduler/store/postgres_store.h"

namespace prometheus {
class Registry;
}

namespace millrace::scheduler {

class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);
  ~Metrics();

  // Reasons of plan() and of the streams: "lease.fenced", "lease.expired", … Any thread.
  void counted(const std::string& reason, std::uint64_t count);
  // On the store's thread: a commit that succeeded.
  void committed(Micros took);
  // On the sweeper's thread.
  void swept(const SweepReport& report);
  // On the loop's thread.
  void applied(const Batch& batch);
  void round(const Engine& engine, const StoreHealth& health, WallTime now);
  void store(const StoreHealth& health);  // in each round

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace millrace::scheduler
