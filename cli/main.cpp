// millrace: the command line.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include "base/overloaded.h"
#include "cli/commands/commands.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/session.h"

int main(int argc, char** argv) {
  using namespace millrace::cli;
  const Environment environment = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  const auto parsed = parse_options(std::vector<std::string>(argv + 1, argv + argc), environment);
  const auto run = [&](const Parsed& asked) {
    Session session{std::cout, std::cerr, asked.common, environment,
                    millrace::client::Client(endpoint_source(asked.common, environment),
                                             asked.common.name_space)};
    return std::visit([&session](const auto& command) { return execute(command, session); },
                      asked.command);
  };
  const auto stop = [](const ParseStop& stopped) {
    (stopped.exit == Exit::kDone ? std::cout : std::cerr) << stopped.text << "\n";
    return stopped.exit;
  };
  try {
    const Exit exit = std::visit(millrace::Overloaded{run, stop}, parsed);
    return static_cast<int>(finish_output(std::cout, std::cerr, exit));
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(Exit::kUnreachable);
  }
}
