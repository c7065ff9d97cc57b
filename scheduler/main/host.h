// Host: one scheduler process, wired: store, loop, api, and, while it leads, the workers' streams.
//
// A scheduler that does not lead takes no workers: their streams end when it steps down, and they
// find whoever leads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "lib/telemetry/log.h"
#include "scheduler/main/options.h"

namespace millrace::scheduler {

class Host {
 public:
  // Errors: of tokens, of the store's migrations, http.address_in_use, …: each names what is in the
  // way.
  static Result<std::unique_ptr<Host>> start(SchedulerOptions options, telemetry::Log& log);
  ~Host();

  std::uint16_t port() const;
  // Returns when stop_requested() was called, or when something failed that nobody can go on from.
  Status run();
  // Async-signal-unsafe; called from a thread that waits for signals.
  void request_stop();

 private:
  class Impl;
  explicit Host(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::scheduler
