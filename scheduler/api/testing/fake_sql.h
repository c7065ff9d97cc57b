// fake_analyze(): enough of SQL for tests of the api.
#pragma once

#include <string>

#include "base/result.h"
#include "lib/sql/statement.h"

namespace millrace::api {

// Names the tables after FROM and JOIN and the parameters after $, and finds nothing wrong, except
// for the text "syntax error". lib/sql has tests of its own.
Result<sql::Statement> fake_analyze(const std::string& text);

}  // namespace millrace::api
