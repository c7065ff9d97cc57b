// N/queries: a statement's rows for whoever asked. A query is a hidden run of one task: placed,
// leased, timed and cancelled like any other, and nothing is kept of it.
#include <algorithm>
#include <iterator>
#include <memory>

#include "scheduler/api/context.h"
#include "scheduler/api/json.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/query.h"
#include "scheduler/api/query_request.h"

namespace millrace::api {
namespace {

constexpr std::size_t kPiece = 256 << 10;
// Beside the query's own time: until an attempt that was told to stop has stopped.
constexpr Micros kAnswerSlack = seconds(60);

// A run's one task has one attempt: whoever asks can ask again, and knows best whether to.
scheduler::RetryRow never_again() {
  scheduler::RetryRow row;
  row.action = scheduler::RetryRow::Action::kFailTask;
  return row;
}

Result<scheduler::WorkflowSpecRef> spec_of(const sql::Statement& statement, Micros timeout) {
  scheduler::TaskSpec task;
  task.name = "query";
  task.kind = manifest::kRowQueryKind;
  task.request = default_request(manifest::TaskKind::kQuery);
  task.on_error = {never_again()};
  task.reads = sql::table_names(statement);
  auto spec = std::make_shared<scheduler::WorkflowSpec>();
  spec->tasks.push_back(std::move(task));
  spec->timeout = timeout;
  spec->queue = "queries";
  spec->hidden = true;
  MILLRACE_RETURN_IF_ERROR(spec->finish());
  return scheduler::WorkflowSpecRef(std::move(spec));
}

Result<std::vector<std::string>> dataset_names(Context& context, const std::string& ns) {
  return look_at(context.ports.engine, [&ns](const View& view) -> Result<std::vector<std::string>> {
    std::vector<std::string> names;
    const auto& heads = view.state->heads();
    for (auto it = heads.lower_bound({ns, ""}); it != heads.end() && it->first.ns == ns; ++it)
      names.push_back(it->first.name);
    return names;
  });
}

http::Response failure_response(const Error& error) {
  switch (error.error_class) {
    case ErrorClass::kUser:
    case ErrorClass::kPolicy:
      return query_problem_response({sql_problem(error)});
    case ErrorClass::kResource:
      // What a statement needs is its own fault, but for the time, which has a status of its own.
      return problem_response(error, error.code == "query.timed_out" ? 0 : 422);
    case ErrorClass::kTransient:
    case ErrorClass::kInfrastructure:
      break;
  }
  return problem_response(error);
}

// Sends an answer piece by piece, at the pace of its reader.
class Sending : public std::enable_shared_from_this<Sending> {
 public:
  Sending(Context& context, std::unique_ptr<AnswerReader> reader)
      : context_(context), reader_(std::move(reader)) {}

  std::shared_ptr<http::BodyStream> open() {
    auto stream = std::make_shared<http::BodyStream>(
        http::BodyStream::Options{.max_buffered = context_.options.max_stream_buffer});
    stream_ = stream;
    return stream;
  }

  // On the pool.
  void send() {
    const auto stream = stream_.lock();
    if (stream == nullptr || stream->abandoned()) return;
    Result<std::string> piece = reader_->read(kPiece);
    if (!piece.ok()) return stream->cut();
    if (piece->empty()) return stream->finish();
    stream->write(*std::move(piece));
    stream->when_below(kPiece, [self = shared_from_this()] { self->go_on(); });
  }

 private:
  void go_on() {
    if (context_.pool.post([self = shared_from_this()] { self->send(); })) return;
    if (const auto stream = stream_.lock()) stream->cut();
  }

  Context& context_;
  const std::unique_ptr<AnswerReader> reader_;
  std::weak_ptr<http::BodyStream> stream_;
};

// On the pool.
void send_answer(Context& context, const QueryAnswer& answer, manifest::RowFormat format,
                 const http::Responder& responder) {
  auto reader = context.ports.answers.take(answer.attempt);
  if (!reader.ok()) return responder.send(problem_response(reader.error()));
  const Json said = Json::parse(answer.outputs_json, nullptr, /*allow_exceptions=*/false);
  const bool truncated = said.is_object() && said.value("truncated", Json(false)) == true;
  http::Response response;
  response.content_type = format == manifest::RowFormat::kCsv
                              ? "text/csv; charset=utf-8; header=present"
                              : "application/json";
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("Millrace-Truncated", truncated ? "true" : "false");
  if (said.is_object() && said.contains("rows"))
    response.headers.add("Millrace-Rows", said["rows"].dump());
  auto sending = std::make_shared<Sending>(context, *std::move(reader));
  response.stream = sending->open();
  responder.send(std::move(response));
  sending->send();
}

void cancel(Context& context, scheduler::RunId run) {
  context.ports.engine.submit(
      scheduler::SetDesiredState{
          .request = {}, .run = run, .desired = scheduler::DesiredState::kCancelled},
      [](const EnginePort::Answer&) {});
}

// Hands the run to the loop. Its end, or its refusal, answers.
void submit(Context& context, scheduler::SubmitRun run, RunningQueries::Place place, Micros timeout,
            manifest::RowFormat format, const http::Responder& responder) {
  const scheduler::RunId id = run.run;
  context.queries.await(
      id, std::move(place), timeout, [&context, format, responder](Result<QueryAnswer> answer) {
        if (!answer.ok()) return responder.send(failure_response(answer.error()));
        const bool taken =
            context.pool.post([&context, format, responder, answer = *std::move(answer)] {
              send_answer(context, answer, format, responder);
            });
        if (!taken)
          responder.send(
              problem_response(Error{ErrorClass::kTransient, "pool.full",
                                     "too many requests wait already", "try again in a moment"}));
      });
  context.ports.engine.submit(std::move(run),
                              [&context, id, responder](const EnginePort::Answer& accepted) {
                                if (!accepted.ok()) {
                                  context.queries.forget(id);
                                  return responder.send(problem_response(accepted.error()));
                                }
                                // Nobody reads the answer of a client that is gone: its run shall
                                // not go on.
                                responder.when_gone([&context, id] {
                                  if (context.queries.waits(id)) cancel(context, id);
                                });
                              });
}

Status post_query(Context& context, const http::Request& request,
                  const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(ns, label_of(request, "ns"));
  MILLRACE_TRY(format, row_format_of(request.headers.get("accept")));
  MILLRACE_TRY(read, read_query(request));
  RunningQueries::Place place;
  const auto refuse = [&responder, &place](const manifest::Problems& problems) {
    place.reset();  // before its caller may ask again
    responder.send(query_problem_response(problems));
    return ok_status();
  };
  if (!read.problems.empty()) return refuse(read.problems);
  place = context.queries.enter();
  if (place == nullptr)
    return Error{ErrorClass::kResource, "query.too_many",
                 std::to_string(context.options.max_queries) + " queries are under way, the limit",
                 "try again when one has ended"};
  const QueryRequest& query = read.query;
  const Result<sql::Statement> statement = context.ports.analyze(query.sql);
  if (!statement.ok()) {
    if (!sql::blames_text(statement.error())) return statement.error();
    return refuse({sql_problem(statement.error())});
  }
  manifest::Problems problems = parameter_problems(query, *statement);
  MILLRACE_TRY(known, dataset_names(context, ns));
  std::ranges::move(dataset_problems(*statement, known), std::back_inserter(problems));
  if (!problems.empty()) return refuse(problems);

  MILLRACE_TRY(spec, spec_of(*statement, query.timeout));
  const scheduler::RunId run = context.ports.new_run();
  std::string body = manifest::to_json({.run = run.to_text(),
                                        .sql = query.sql,
                                        .parameters = query.parameters,
                                        .format = format,
                                        .max_rows = query.max_rows,
                                        .max_bytes = kMaxAnswerBytes});
  const scheduler::BodyHash hash = hash_of_body(body);
  auto attachment = std::make_shared<scheduler::Attachment>();
  attachment->bodies.push_back({hash, std::move(body)});
  submit(context,
         {.request = {},
          .run = run,
          .ns = ns,
          .name = ".query-" + run.to_text(),  // no run of a person's is named so
          .workflow = ".query",
          .spec = std::move(spec),
          .body_hash = hash,
          .parameters_hash = {},
          .key = "",
          .request_hash = {},
          .attachment = std::move(attachment),
          .rerun = nullptr},
         std::move(place), query.timeout, format, responder);
  return ok_status();
}

}  // namespace

void cancel_orphaned_queries(Context& context) {
  context.ports.engine.read([&context](const Result<View>& view) {
    if (!view.ok()) return;
    for (const auto& [id, run] : view->state->runs())
      if (run.header.spec->hidden && !context.queries.waits(id)) cancel(context, id);
  });
}

void add_query_routes(http::Router& router, Context& context) {
  router.add("POST", "/v1/namespaces/{ns}/queries", starting(context, post_query),
             {.handler_timeout = kMaxQueryTimeout + kAnswerSlack});
}

}  // namespace millrace::api
