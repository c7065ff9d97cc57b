#include "cli/report.h"

#include "cli/text.h"

namespace millrace::cli {
namespace {

bool ends_a_sentence(const std::string& text) {
  return !text.empty() && (text.back() == '.' || text.back() == '?' || text.back() == '!');
}

// What stands before a defect's words, as manifest::Problem has it: "f.yaml:20:7 spec.queue: ", of
// no field "f.yaml:20:7 ".
std::string position(const client::Defect& defect, const DocumentPlace* place) {
  std::string text;
  if (place != nullptr) {
    text = place->source;
    if (defect.line > 0) text += ":" + std::to_string(defect.line + place->first_line - 1);
    if (defect.line > 0 && defect.column > 0) text += ":" + std::to_string(defect.column);
  }
  const std::string path = defect.subject.empty() ? defect.path() : defect.subject;
  if (!path.empty()) text += (text.empty() ? "" : " ") + path;
  if (!path.empty() || (!text.empty() && defect.line == 0)) text += ":";
  return printable(text) + (text.empty() ? "" : " ");
}

}  // namespace

std::string connection_text(const std::string& lost_because) {
  return lost_because.empty() ? "connected again"
                              : "no connection (" + lost_because + "); trying again";
}

std::string sentences(const std::string& detail, const std::string& hint) {
  std::string text = printable(detail, /*keep_line_breaks=*/true);
  if (hint.empty()) return text;
  if (!text.empty() && text.back() != '\n') text += ends_a_sentence(text) ? " " : ". ";
  std::string action = printable(hint);
  if (action.front() >= 'a' && action.front() <= 'z')
    action.front() = static_cast<char>(action.front() - 'a' + 'A');
  return text + action + (ends_a_sentence(action) ? "" : ".");
}

std::string problem_text(const client::Problem& problem, const DocumentPlace* place) {
  if (problem.defects.empty()) {
    std::string text =
        "error: " +
        sentences(problem.detail.empty() ? problem.title : problem.detail, problem.hint);
    if (place != nullptr) text = printable(place->source) + ": " + text;
    return text + "\n";
  }
  std::string text;
  for (const client::Defect& defect : problem.defects)
    text += position(defect, place) + sentences(defect.detail, defect.hint) + "\n";
  return text;
}

Exit exit_of(const client::Problem& problem) {
  if (problem.code == "client.timeout" || problem.code == "query.timed_out") return Exit::kTimeout;
  if (problem.code == "client.invalid") return Exit::kUsage;
  // A run of a workflow that is not there: 422 to REST, as the body is at fault, but to a person
  // the same as asking for it.
  if (problem.code == "workflow.unknown") return Exit::kNotFound;
  switch (problem.status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return Exit::kInvalidInput;
    case 401:
    case 403:
      return Exit::kDenied;
    case 404:
    case 410:
      return Exit::kNotFound;
    case 409:
    case 412:
      return Exit::kConflict;
    default:
      return Exit::kUnreachable;
  }
}

Exit report(std::ostream& err, const client::Problem& problem, const DocumentPlace* place) {
  err << problem_text(problem, place);
  return exit_of(problem);
}

Exit report(std::ostream& err, const Error& error) {
  const std::string where = error.path.empty() ? "" : printable(error.path) + ": ";
  err << "error: " << where << sentences(error.message, error.hint) << "\n";
  switch (error.error_class) {
    case ErrorClass::kUser:
      if (error.code == "usage") return Exit::kUsage;
      return error.code.ends_with("not_found") ? Exit::kNotFound : Exit::kInvalidInput;
    case ErrorClass::kPolicy:
      return Exit::kDenied;
    case ErrorClass::kTransient:
    case ErrorClass::kResource:
    case ErrorClass::kInfrastructure:
      return Exit::kUnreachable;
  }
  return Exit::kUnreachable;
}

Exit finish_output(std::ostream& out, std::ostream& err, Exit exit) {
  out.flush();
  if (out.good()) return exit;
  const bool done = exit == Exit::kDone;
  err << "error: standard output could not be written (is the disk full?)"
      << (done ? "; what was asked for is done" : "") << "\n";
  return done ? Exit::kUnreachable : exit;
}

}  // namespace millrace::cli
