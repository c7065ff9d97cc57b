// Errors as the clients of REST see them: one table from codes to statuses, and RFC 9457 bodies.
#pragma once

#include <string>

#include "base/error.h"
#include "lib/http/message.h"
#include "manifest/problem.h"

namespace millrace::api {

// By the code where the table has it, else by the class.
int status_of(const Error& error);

// With Retry-After where waiting helps, and WWW-Authenticate with 401. `status`: instead of the
// error's own.
http::Response problem_response(const Error& error, int status = 0);

// 422 query.invalid: what is wrong with a statement or its parameters, all at once.
http::Response query_problem_response(const manifest::Problems& problems);

// 422 manifest.invalid with all of a document's problems at once. `subject` is "Workflow flights".
http::Response problem_response(const std::string& subject, const manifest::Problems& problems);

// An error that the request itself is to blame for: 400, code request.invalid. `name` is of the
// parameter, header or field.
Error invalid_request(const std::string& name, std::string message, std::string hint = {});
// 404, with one code for each sort of thing.
Error not_found(const std::string& code, std::string message, std::string hint = {});

}  // namespace millrace::api
