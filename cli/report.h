// Problems as people read them, and the exit code that each means.
#pragma once

#include <ostream>
#include <string>

#include "base/error.h"
#include "cli/exit.h"
#include "lib/client/problem.h"

namespace millrace::cli {

// Where a document came from, so that its faults can be pointed at.
struct DocumentPlace {
  std::string source;  // "flights.yaml", "<stdin>"
  int first_line = 1;  // of the document in its source
};

// One line for each fault: "f.yaml:20:7 spec.tasks[3].query.sqll: unknown field. Did you mean sql?"
std::string problem_text(const client::Problem& problem, const DocumentPlace* place = nullptr);
Exit exit_of(const client::Problem& problem);

// Writes the text; returns the code.
Exit report(std::ostream& err, const client::Problem& problem,
            const DocumentPlace* place = nullptr);
Exit report(std::ostream& err, const Error& error);

// A connection that was lost, or with no reason is there again, as a line of a command that waits.
std::string connection_text(const std::string& lost_because);

// "detail. Hint."
std::string sentences(const std::string& detail, const std::string& hint);

// At the end of a command: output that could not be written (a full disk) must not look like
// success, nor like a run that failed.
Exit finish_output(std::ostream& out, std::ostream& err, Exit exit);

}  // namespace millrace::cli
