// RunNames: what the runs are called that the log speaks of, so that events of runs which began
// before can be replayed. Inside scheduler/api only; on the pool.
#pragma once

#include <map>
#include <memory>

#include "scheduler/api/context.h"
#include "scheduler/api/stream_event.h"

namespace millrace::api {

class RunNames {
 public:
  // Those of the runs that begin, change or end in the page: it names the first itself, the engine
  // those that live, the store those that ended. Errors: engine.not_leading, store.unavailable.
  Status learn(Context& context, const LogPage& page);
  // Null: nobody knows it any more, or it was never to be seen.
  std::shared_ptr<const RunContext> of(scheduler::RunId run) const;
  // Nothing more is asked of the runs that ended in the page.
  void forget_ended(const LogPage& page);

 private:
  std::map<scheduler::RunId, std::shared_ptr<const RunContext>> known_;
};

}  // namespace millrace::api
