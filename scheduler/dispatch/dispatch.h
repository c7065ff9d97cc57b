// DispatchServer: the workers' streams, over gRPC on a unix socket. Carries messages and decides
// nothing.
//
//   MILLRACE_TRY(server, DispatchServer::start(settings, host));
//   Engine engine(…, {.workers = *server, …});
//
// Limits: a message has at most 1 MiB; a worker that does not read what is sent to it is
// disconnected once max_outgoing waits (worker.slow), and comes back; a worker that connects again
// under its incarnation replaces its old stream.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "scheduler/dispatch/authenticate.h"
#include "scheduler/dispatch/convert.h"
#include "scheduler/dispatch/description.h"
#include "scheduler/dispatch/session.h"
#include "scheduler/engine/ports.h"

namespace millrace::scheduler {

// Answers one describe() call, from any thread. When every copy of it is gone unanswered, the
// worker is told to ask again later.
using DescribeDone = std::function<void(Result<Description>)>;

// What the streams need of their host. Called from threads of gRPC, at once for different workers,
// in order for one; must not block, and must not call back into the server.
class DispatchHost {
 public:
  virtual ~DispatchHost() = default;
  // WorkerJoined, WorkerLeft, WorkerHeartbeat, AttemptSucceeded or AttemptFailed, for the engine.
  virtual void offer(Input input) = 0;
  // Of each heartbeat: all attempts that the worker holds. For observers; losing it loses no truth.
  virtual void progress(WorkerId worker, std::vector<AttemptProgress> attempts) = 0;
  // The detail of an attempt, read from the store. Errors: lease.fenced when `worker` does not hold
  // it.
  virtual void describe(WorkerId worker, const AttemptRef& attempt, DescribeDone done) = 0;
  // Reasons that metrics count: worker.unauthenticated, worker.slow, protocol.invalid, …; `text`
  // for a log.
  virtual void counted(const std::string& reason, const std::string& text) = 0;
};

struct DispatchSettings {
  std::string
      socket_path;    // absolute, at most 107 bytes, in a folder of mode 0700, made when missing
  std::string token;  // the workers'; see Authenticator
  WorkerTerms terms;
  Bytes max_outgoing = mebibytes(16);  // waiting for one worker
  ResultLimits results;
};

class DispatchServer final : public WorkerPort {
 public:
  // Errors: of lib/ipc's checks of path and folder; dispatch.socket_in_use, dispatch.listen_failed.
  static Result<std::unique_ptr<DispatchServer>> start(DispatchSettings settings,
                                                       DispatchHost& host);
  ~DispatchServer() override;

  // From any thread; dropped when the worker is not connected.
  void send(WorkerId worker, Command command) override;
  void dismiss(WorkerId worker) override;
  // With its description, which must fit into one page: then the worker need not ask for it.
  void start(WorkerId worker, const commands::Start& start, const Description& description);
  // Ends all streams and returns when no call of the host is under way. Further calls do nothing.
  void stop();

 private:
  class Impl;
  explicit DispatchServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::scheduler
