// SweepThread: sweeps, a round a lease, while this scheduler leads; on a thread of its own, for it
// waits for the database and the disk.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "scheduler/engine/sweeper.h"
#include "scheduler/main/local_folder.h"
#include "scheduler/main/loop.h"
#include "scheduler/store/sweep_catalog.h"

namespace millrace::scheduler {

class SweepThread final : private SweepEngine {
 public:
  // Called on the thread after each round.
  using Reported = std::function<void(const SweepReport&)>;

  // Starts. `loop` must outlive it.
  struct Places {
    std::string postgres;  // connection string
    std::filesystem::path data_root;
    std::filesystem::path log_dir;  // of tasks
    Micros log_retention;           // from a run's start on
  };
  SweepThread(Settings settings, Loop& loop, const Places& places, Reported reported);
  ~SweepThread() override;

  // Ends the round under way where it stands and joins the thread. Twice is once.
  void stop();

 private:
  struct Shared;

  // SweepEngine, on the thread
  Status ask(SweepSnapshots question) override;
  Result<std::vector<AttemptFate>> fates(const std::vector<AttemptPrefix>& prefixes) override;

  void run();
  // Logs of tasks of runs that were long ago; now and then.
  Status sweep_logs(Now now);
  template <typename T>
  Result<T> await(const std::function<void(std::function<void(Result<T>)>)>& question);

  const Micros pause_;
  Loop& loop_;
  const Reported reported_;
  PostgresSweepCatalog catalog_;
  LocalFolder folder_;
  const LocalFolder logs_;
  const Micros log_retention_;
  std::optional<Monotonic> logs_swept_;
  Sweeper sweeper_;
  std::shared_ptr<Shared> shared_;
  std::thread thread_;  // last: uses all of the above
};

}  // namespace millrace::scheduler
