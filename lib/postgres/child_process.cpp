#include "lib/postgres/child_process.h"

#include <utility>
#include <variant>

namespace millrace::postgres {
namespace {

process::StartOptions start_options(const ChildOptions& options) {
  process::StartOptions start;
  start.program = options.argv.front();
  start.arguments.assign(options.argv.begin() + 1, options.argv.end());
  start.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"};
  if (!options.directory.empty()) start.folder = options.directory;
  if (options.kept_open != process::StartOptions::kNull)
    start.descriptors.push_back(options.kept_open);
  if (options.own_session) start.group = process::Group::kOwnSession;
  start.user = options.user;
  start.umask = 0077;
  start.signal_at_parents_end = options.parent_death_signal;
  return start;
}

Error start_failed(const ChildOptions& options, const process::StartFault& fault) {
  return Error{ErrorClass::kInfrastructure, "postgres.system",
               "can't start \"" + options.argv.front() + "\": " + process::to_text(fault)};
}

}  // namespace

Result<process::Handle> start_child(const ChildOptions& options) {
  process::StartOptions start = start_options(options);
  start.descriptors[0] = options.standard_input;
  start.descriptors[1] = start.descriptors[2] = options.standard_output;
  auto started = process::start(start);
  if (const auto* fault = std::get_if<process::StartFault>(&started))
    return start_failed(options, *fault);
  return std::get<process::Handle>(std::move(started));
}

Result<process::Ran> run_child(const ChildOptions& options, const std::string& input,
                               Micros timeout) {
  auto ran = process::run(start_options(options), input, timeout);
  if (auto* end = std::get_if<process::Ran>(&ran)) return std::move(*end);
  const auto& fault = std::get<process::RunFault>(ran);
  if (const auto* no_start = std::get_if<process::StartFault>(&fault))
    return start_failed(options, *no_start);
  return Error{ErrorClass::kInfrastructure, "postgres.timeout",
               "\"" + options.argv.front() + "\" did not end in time"};
}

}  // namespace millrace::postgres
