#include "scheduler/api/problems.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "lib/http/problem.h"

namespace millrace::api {
namespace {

struct Row {
  std::string_view code;
  int status;
  std::string_view title;
};

// Sorted by code. What is not here goes by its class.
constexpr std::array kRows = {
    Row{"admission.full", 429, "Too many live tasks"},
    Row{"answer.lost", 500, "Answer lost"},
    Row{"auth.required", 401, "Not authenticated"},
    Row{"body.malformed", 400, "Malformed body"},
    Row{"body.media_type", 415, "Unsupported media type"},
    Row{"dataset.not_found", 404, "No such dataset"},
    Row{"dataset.unknown", 422, "Unknown dataset"},
    Row{"document.conflict", 412, "Changed since it was read"},
    Row{"document.full", 429, "Too many documents"},
    Row{"document.unknown", 404, "No such document"},
    Row{"engine.full", 503, "Overloaded"},
    Row{"engine.not_leading", 503, "Not the leader"},
    Row{"engine.outcome_unknown", 503, "Outcome unknown"},
    Row{"log.expired", 410, "Events no longer kept"},
    Row{"log.not_found", 404, "No such log"},
    Row{"manifest.invalid", 422, "Invalid manifest"},
    Row{"parameter.invalid", 422, "Invalid parameters"},
    Row{"pool.full", 503, "Overloaded"},
    Row{"query.no_room", 503, "No room"},
    Row{"query.timed_out", 504, "Query took too long"},
    Row{"query.too_many", 429, "Too many queries"},
    Row{"request.invalid", 400, "Invalid request"},
    Row{"request.not_acceptable", 406, "No such form"},
    Row{"rerun.appends", 409, "Would append twice"},
    Row{"rerun.not_kept", 409, "Run not kept whole"},
    Row{"rerun.nothing", 409, "Nothing to run again"},
    Row{"run.cancelling", 409, "Run is being cancelled"},
    Row{"run.conflict", 412, "Changed since it was read"},
    Row{"run.ended", 409, "Run has ended"},
    Row{"run.exists", 409, "Run exists"},
    Row{"run.key_reused", 422, "Idempotency key used for another request"},
    Row{"run.not_ended", 409, "Run has not ended"},
    Row{"run.not_found", 404, "No such run"},
    Row{"run.too_large", 422, "Run too large"},
    Row{"store.unavailable", 503, "Database not available"},
    Row{"task.not_found", 404, "No such task"},
    Row{"workflow.unknown", 422, "Unknown workflow"},
};
static_assert(std::is_sorted(kRows.begin(), kRows.end(),
                             [](const Row& a, const Row& b) { return a.code < b.code; }));

const Row* find_row(std::string_view code) {
  const auto row = std::lower_bound(kRows.begin(), kRows.end(), code,
                                    [](const Row& r, std::string_view c) { return r.code < c; });
  return row != kRows.end() && row->code == code ? &*row : nullptr;
}

int status_of_class(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kUser:
      return 422;
    case ErrorClass::kPolicy:
      return 403;
    case ErrorClass::kResource:
      return 429;
    case ErrorClass::kTransient:
      return 503;
    case ErrorClass::kInfrastructure:
      return 500;
  }
  return 500;
}

http::Response with_headers(http::Response response) {
  if (response.status == 429 || response.status == 503) response.headers.add("Retry-After", "1");
  if (response.status == 401) response.headers.add("WWW-Authenticate", "Bearer realm=\"millrace\"");
  return response;
}

std::string counted(const manifest::Problems& problems) {
  return std::to_string(problems.size()) + (problems.size() == 1 ? " problem" : " problems") +
         (problems.size() < manifest::kMaxProblems ? "" : " and perhaps more");
}

http::Response with_entries(http::Problem problem, const manifest::Problems& problems) {
  const auto subject_of = [](const manifest::Problem& found) {
    return found.error.path == manifest::path_of_pointer(found.pointer) ? "" : found.error.path;
  };
  for (const manifest::Problem& found : problems)
    problem.errors.push_back({.code = found.error.code,
                              .pointer = found.pointer,
                              .line = found.line,
                              .column = found.column,
                              .detail = found.error.message,
                              .hint = found.error.hint,
                              .subject = subject_of(found)});
  return http::to_response(problem);
}

}  // namespace

int status_of(const Error& error) {
  const Row* row = find_row(error.code);
  return row != nullptr ? row->status : status_of_class(error.error_class);
}

http::Response problem_response(const Error& error, int status) {
  const Row* row = find_row(error.code);
  if (status == 0) status = status_of(error);
  http::Problem problem{
      .status = status,
      .code = error.code,
      .title = std::string(row != nullptr ? row->title : http::reason_phrase(status)),
      .detail = error.path.empty() ? error.message : error.path + ": " + error.message,
      .error_class = std::string(to_string(error.error_class)),
      .hint = error.hint};
  return with_headers(http::to_response(problem));
}

http::Response problem_response(const std::string& subject, const manifest::Problems& problems) {
  return with_entries({.status = 422,
                       .code = "manifest.invalid",
                       .title = "Invalid manifest",
                       .detail = subject + ": " + counted(problems) + "; nothing changed",
                       .error_class = std::string(to_string(ErrorClass::kUser))},
                      problems);
}

http::Response query_problem_response(const manifest::Problems& problems) {
  return with_entries({.status = 422,
                       .code = "query.invalid",
                       .title = "Invalid query",
                       .detail = "query: " + counted(problems),
                       .error_class = std::string(to_string(ErrorClass::kUser))},
                      problems);
}

Error invalid_request(const std::string& name, std::string message, std::string hint) {
  return {ErrorClass::kUser, "request.invalid", std::move(message), std::move(hint), name};
}

Error not_found(const std::string& code, std::string message, std::string hint) {
  return {ErrorClass::kUser, code, std::move(message), std::move(hint), ""};
}

}  // namespace millrace::api
