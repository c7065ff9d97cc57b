// millrace-worker: holds attempts for the scheduler and runs them in runner processes. See
// worker.h.
#include <signal.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "lib/ipc/private_files.h"
#include "lib/telemetry/log.h"
#include "workers/runtime/config.h"
#include "workers/runtime/journal.h"
#include "workers/runtime/worker.h"

namespace millrace::runtime {
namespace {

RawId new_incarnation() {
  std::uint64_t random[2] = {};
  MILLRACE_CHECK(::getrandom(random, sizeof(random), 0) == sizeof(random), "no randomness");
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return RawId::make(WallTime(now.tv_sec * 1'000'000 + now.tv_nsec / 1'000), random[0], random[1]);
}

// Makes the worker's folders. Its scratch is emptied of what attempts of the former incarnation
// left there: their processes are ended by now.
Status make_folders(const WorkerConfig& config, telemetry::Log& log) {
  const std::filesystem::path scratch = config.scratch / config.name;
  std::error_code code;
  std::filesystem::remove_all(scratch, code);
  if (code)
    log.warn("cannot empty scratch", {{"folder", scratch.string()}, {"error", code.message()}});
  MILLRACE_RETURN_IF_ERROR(ipc::make_private_folder(scratch));
  for (const auto& folder : {config.data_root, config.log_dir}) {
    std::filesystem::create_directories(folder, code);
    if (code)
      return Error{ErrorClass::kUser, "worker.folder_failed",
                   "cannot make \"" + folder.string() + "\": " + code.message()};
  }
  return ok_status();
}

void await_signals(boost::asio::signal_set& signals, Worker& worker, bool first) {
  signals.async_wait([&signals, &worker, first](const boost::system::error_code& code, int) {
    if (code) return;
    if (first)
      worker.drain();
    else
      worker.stop();
    await_signals(signals, worker, false);
  });
}

Status run(std::span<const char* const> arguments) {
  MILLRACE_TRY(config, parse_config(arguments));
  telemetry::Log log(config.log_format);
  MILLRACE_TRY(token, ipc::read_secret_file(config.token_file));
  if (::access(config.runner.c_str(), X_OK) != 0)
    return Error{ErrorClass::kUser, "runner.missing",
                 "cannot run \"" + config.runner.string() + "\": " + std::strerror(errno),
                 "name the runner program with --runner"};
  const RawId incarnation = new_incarnation();
  MILLRACE_TRY(journal, Journal::open(config.state_dir, incarnation, log));
  MILLRACE_RETURN_IF_ERROR(make_folders(config, log));

  ::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context context(1);
  Worker worker(context, std::move(config), std::move(token), incarnation, std::move(journal), log);
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  await_signals(signals, worker, true);
  log.info("started", {{"incarnation", incarnation.to_text()}});
  worker.start();
  context.run();
  return ok_status();
}

}  // namespace
}  // namespace millrace::runtime

int main(int count, char** values) {
  const std::span<const char* const> arguments(values, static_cast<std::size_t>(count));
  for (const char* argument : arguments.subspan(1)) {
    if (std::strcmp(argument, "--help") != 0) continue;
    std::fputs(millrace::runtime::config_help().c_str(), stdout);
    return 0;
  }
  const millrace::Status status = millrace::runtime::run(arguments);
  if (status.ok()) return 0;
  std::fprintf(stderr, "millrace-worker: %s\n", status.error().to_text().c_str());
  return status.error().error_class == millrace::ErrorClass::kUser ? 2 : 1;
}
