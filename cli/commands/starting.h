// What commands that start runs share: parameters given as texts, an idempotency key, and what
// happens once the scheduler has answered. Inside cli/commands only.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/parameters.h"
#include "cli/session.h"
#include "manifest/generated/types.h"

namespace millrace::cli {

using OrderedJson = nlohmann::ordered_json;

// The values typed as `declared` says; one that is not declared goes as the text it is: the
// scheduler says what it thinks of it. Error: value.type.
Result<OrderedJson> typed_parameters(const std::vector<GivenParameter>& given,
                                     const std::vector<manifest::Parameter>& declared);

// What stands between the user's wish and the scheduler's yes: a GET whose answer says how
// parameters are typed. Made only when there are parameters.
struct Typing {
  std::vector<std::string> path;
  std::function<Result<std::vector<manifest::Parameter>>(const std::string& body)> declared;
};

// Posts `body`, with its parameters, to `path` under an idempotency key, so that it may be made
// again when its answer is lost; prints the run's name, and follows it where that was asked for.
Exit start_run(const std::vector<std::string>& path, OrderedJson body, const Typing& typing,
               const commands::Starting& options, Session& session);

}  // namespace millrace::cli
