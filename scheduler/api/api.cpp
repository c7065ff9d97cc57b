#include "scheduler/api/api.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "lib/http/auth.h"
#include "scheduler/api/context.h"
#include "scheduler/api/problems.h"

namespace millrace::api {
namespace {

// Requests may be refused here under load, never lost: a pool that takes no more says so.
http::Handler on_pool(
    Context& context,
    std::function<void(Context&, const http::Request&, const http::Responder&)> handle) {
  return [&context, handle = std::move(handle)](http::Request request,
                                                const http::Responder& responder) {
    auto work = [&context, handle, request = std::move(request), responder] {
      handle(context, request, responder);
    };
    if (!context.pool.post(std::move(work)))
      responder.send(
          problem_response(Error{ErrorClass::kTransient, "pool.full",
                                 "too many requests wait already", "try again in a moment"}));
  };
}

}  // namespace

http::Handler answering(Context& context, Answering answer) {
  return on_pool(context, [answer](Context& c, const http::Request& request,
                                   const http::Responder& responder) {
    auto answered = answer(c, request);
    responder.send(answered.ok() ? std::move(*answered) : problem_response(answered.error()));
  });
}

http::Handler starting(Context& context, Starting start) {
  return on_pool(
      context, [start](Context& c, const http::Request& request, const http::Responder& responder) {
        if (const Status started = start(c, request, responder); !started.ok())
          responder.send(problem_response(started.error()));
      });
}

Api::Api(Options options, Ports ports) {
  const std::size_t threads = options.pool_threads;
  const std::size_t queued = options.max_queued;
  const std::size_t queries = options.max_queries;
  Reads& reads = ports.reads;
  context_ = std::unique_ptr<Context>(new Context{std::move(ports),
                                                  std::move(options),
                                                  Feed(),
                                                  Bodies(reads),
                                                  RunningQueries(queries),
                                                  {threads, queued}});
}

Api::~Api() { stop(); }

void Api::stop() { context_->pool.stop(); }

http::Router Api::router() {
  http::Router router;
  add_system_routes(router, *context_);
  add_workflow_routes(router, *context_);
  add_run_routes(router, *context_);
  add_rerun_routes(router, *context_);
  add_task_routes(router, *context_);
  add_event_routes(router, *context_);
  add_log_routes(router, *context_);
  add_dataset_routes(router, *context_);
  add_query_routes(router, *context_);
  return router;
}

std::function<std::optional<http::Response>(const http::Request&)> Api::gate() const {
  return [token = context_->options.token](
             const http::Request& request) -> std::optional<http::Response> {
    if (http::bearer_matches(request.headers.get("authorization"), token)) return std::nullopt;
    return problem_response(Error{ErrorClass::kPolicy, "auth.required",
                                  "the request has no valid bearer token",
                                  "send Authorization: Bearer and the installation's token"});
  };
}

std::function<void(const http::Exchange&)> Api::observer() const {
  auto registry = context_->ports.metrics;
  if (registry == nullptr) return {};
  auto& requests = prometheus::BuildCounter()
                       .Name("millrace_http_requests_total")
                       .Help("Requests answered, by route, method and status")
                       .Register(*registry);
  auto& durations = prometheus::BuildHistogram()
                        .Name("millrace_http_request_duration_seconds")
                        .Help("From the end of a request's header to the end of its response")
                        .Register(*registry);
  return [registry, &requests, &durations](const http::Exchange& exchange) {
    // Only routes and known methods are labels: what a client makes up must not make series.
    const bool known = !exchange.pattern.empty();
    const std::string route = known ? exchange.pattern : "none";
    const std::string method = known ? exchange.method : "any";
    requests
        .Add({{"route", route}, {"method", method}, {"status", std::to_string(exchange.status)}})
        .Increment();
    durations
        .Add({{"route", route}},
             prometheus::Histogram::BucketBoundaries{0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10})
        .Observe(static_cast<double>(exchange.duration.value()) / 1e6);
  };
}

void Api::applied(const scheduler::Batch& batch, const scheduler::State& state) {
  context_->feed.applied(batch, state);
  for (const scheduler::AttemptRef& attempt : context_->queries.applied(batch, state))
    context_->pool.post(
        [context = context_.get(), attempt] { context->ports.answers.discard(attempt); });
}

std::size_t Api::watchers() const { return context_->feed.watchers(); }

void Api::leading(bool leads) {
  context_->feed.leading(leads);
  if (leads)
    cancel_orphaned_queries(*context_);
  else
    context_->queries.lost();
}

}  // namespace millrace::api
