#include "scheduler/main/workers_door.h"

#include <utility>

namespace millrace::scheduler {

WorkersDoor::WorkersDoor(DispatchSettings settings, DispatchHost& host)
    : settings_(std::move(settings)), host_(host) {}

WorkersDoor::~WorkersDoor() { shut(); }

void WorkersDoor::leading(bool leads) {
  const std::lock_guard lock(mutex_);
  wanted_ = leads ? ++leaderships_ : 0;
}

bool WorkersDoor::due() const {
  const std::lock_guard lock(mutex_);
  return wanted_ != open_for_;
}

Status WorkersDoor::tend() {
  while (true) {
    std::uint64_t wanted = 0;
    std::shared_ptr<DispatchServer> closing;
    {
      const std::lock_guard lock(mutex_);
      if (wanted_ == open_for_) return ok_status();
      wanted = wanted_;
      closing = std::exchange(server_, nullptr);
      open_for_ = 0;
    }
    if (closing != nullptr) closing->stop();
    if (wanted == 0) continue;
    MILLRACE_TRY(opened, DispatchServer::start(settings_, host_));
    const std::lock_guard lock(mutex_);
    server_ = std::move(opened);
    open_for_ = wanted;  // by now another may be wanted: then the next turn sees to it
  }
}

void WorkersDoor::shut() {
  std::shared_ptr<DispatchServer> closing;
  {
    const std::lock_guard lock(mutex_);
    closing = std::exchange(server_, nullptr);
    open_for_ = 0;
  }
  if (closing != nullptr) closing->stop();
}

std::shared_ptr<DispatchServer> WorkersDoor::server() const {
  const std::lock_guard lock(mutex_);
  return server_;
}

void WorkersDoor::send(WorkerId worker, Command command) {
  if (const auto open = server()) open->send(worker, std::move(command));
}

void WorkersDoor::start(WorkerId worker, const commands::Start& start,
                        const Description& description) {
  if (const auto open = server()) open->start(worker, start, description);
}

void WorkersDoor::dismiss(WorkerId worker) {
  if (const auto open = server()) open->dismiss(worker);
}

}  // namespace millrace::scheduler
