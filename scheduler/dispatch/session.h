// WorkerSession: what one worker's stream means, message by message. Decides nothing, touches no
// socket.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "millrace/worker/v1alpha1/worker.pb.h"
#include "scheduler/core/inputs.h"
#include "scheduler/dispatch/result_pages.h"

namespace millrace::scheduler {

// How far a running attempt is, from a heartbeat: for observers, never for decisions.
struct AttemptProgress {
  AttemptRef attempt;
  Usage usage;
  double fraction = -1;  // 0 to 1; negative when unknown
  std::int64_t rows = 0;
  Bytes bytes;
  bool started = false;
};

struct Received {
  std::optional<Input> input;                            // for the engine
  std::optional<std::vector<AttemptProgress>> progress;  // of a heartbeat: all that is held
};

class WorkerSession {
 public:
  explicit WorkerSession(ResultLimits limits) : pages_(limits) {}

  // The worker that said hello; nil before.
  WorkerId worker() const { return worker_; }
  // Errors: protocol.invalid, protocol.hello_expected, protocol.unsupported: close the stream.
  Result<Received> receive(const worker::v1alpha1::WorkerMessage& message);

 private:
  Result<Received> on_hello(const worker::v1alpha1::Hello& hello);
  Result<Received> on_heartbeat(const worker::v1alpha1::Heartbeat& heartbeat);
  Result<Received> on_page(const worker::v1alpha1::FilePage& page);
  Result<Received> on_succeeded(const worker::v1alpha1::AttemptSucceeded& succeeded);
  Result<Received> on_failed(const worker::v1alpha1::AttemptFailed& failed);

  WorkerId worker_;
  ResultPages pages_;
};

}  // namespace millrace::scheduler
