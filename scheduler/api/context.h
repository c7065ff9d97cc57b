// What the resources of the api share, and the two ways a handler is run. Inside scheduler/api
// only.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "lib/http/router.h"
#include "scheduler/api/api.h"
#include "scheduler/api/bodies.h"
#include "scheduler/api/feed.h"
#include "scheduler/api/pool.h"
#include "scheduler/api/ports.h"
#include "scheduler/api/running_queries.h"

namespace millrace::api {

struct Context {
  Api::Ports ports;
  Api::Options options;
  Feed feed;  // the loop's
  Bodies bodies;
  RunningQueries queries;
  Pool pool;
};

// Looks at the state on the loop and waits for what `look` says, a Result. On the pool only: what
// `look` captures by reference lives as long as it runs.
template <typename Look>
auto look_at(EnginePort& engine, Look look) -> std::invoke_result_t<Look, const View&> {
  using Answer = std::invoke_result_t<Look, const View&>;
  auto promise = std::make_shared<std::promise<Answer>>();
  engine.read([promise, look = std::move(look)](const Result<View>& view) {
    if (view.ok())
      promise->set_value(look(*view));
    else
      promise->set_value(Answer(view.error()));
  });
  return promise->get_future().get();
}

// A handler that looks and answers, on the pool.
using Answering = Result<http::Response> (*)(Context&, const http::Request&);
http::Handler answering(Context& context, Answering answer);
// A handler that checks on the pool and then hands over to the loop (or to a stream), which answers
// later. An error is answered at once.
using Starting = Status (*)(Context&, const http::Request&, const http::Responder&);
http::Handler starting(Context& context, Starting start);

// Each adds the routes of one resource.
void add_system_routes(http::Router& router, Context& context);
void add_workflow_routes(http::Router& router, Context& context);
void add_run_routes(http::Router& router, Context& context);
void add_rerun_routes(http::Router& router, Context& context);
void add_task_routes(http::Router& router, Context& context);
void add_event_routes(http::Router& router, Context& context);
void add_log_routes(http::Router& router, Context& context);
void add_dataset_routes(http::Router& router, Context& context);
void add_query_routes(http::Router& router, Context& context);

// Hidden runs that another scheduler, or this one before, left under way, and whose callers are
// gone. On the loop.
void cancel_orphaned_queries(Context& context);

}  // namespace millrace::api
