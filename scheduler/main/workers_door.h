// WorkersDoor: the dispatch server of the leadership that lasts, and none while another leads. Each
// leadership gets a door of its own: workers greet whoever leads, and one that begins before its
// predecessor's streams were closed has heard none of them.
//
// The loop says who leads; whoever keeps the door opens and closes it, for that takes a moment:
//
//   door.leading(true);                       // the loop's thread
//   if (door.due()) status = door.tend();     // the keeper's
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "base/result.h"
#include "scheduler/dispatch/dispatch.h"

namespace millrace::scheduler {

class WorkersDoor {
 public:
  WorkersDoor(DispatchSettings settings, DispatchHost& host);
  ~WorkersDoor();  // shuts

  // --- any thread
  // A leadership begins, or ends. Neither is forgotten when the other follows at once.
  void leading(bool leads);
  // Whether tend() has work.
  bool due() const;
  // As WorkerPort and DispatchServer have it; dropped while the door is closed.
  void send(WorkerId worker, Command command);
  void start(WorkerId worker, const commands::Start& start, const Description& description);
  void dismiss(WorkerId worker);

  // --- the keeper's thread
  // Closes what an earlier leadership opened, opens for the one that lasts. Errors: of
  // DispatchServer::start.
  Status tend();
  void shut();

 private:
  std::shared_ptr<DispatchServer> server() const;

  const DispatchSettings settings_;
  DispatchHost& host_;

  mutable std::mutex mutex_;  // guards what follows
  std::uint64_t leaderships_ = 0;
  std::uint64_t wanted_ = 0;    // the number of the leadership that lasts; 0: none does
  std::uint64_t open_for_ = 0;  // the number of the one whose door is open; 0: closed
  std::shared_ptr<DispatchServer> server_;
};

}  // namespace millrace::scheduler
