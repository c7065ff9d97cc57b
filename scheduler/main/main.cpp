// millrace-scheduler.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "scheduler/main/host.h"
#include "scheduler/main/options.h"

int main(int argc, char** argv) {
  using namespace millrace;             // NOLINT: a main of one page
  using namespace millrace::scheduler;  // NOLINT
  ParsedOptions parsed = parse_options(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  telemetry::Log log(parsed.options->log_format);

  // Before any thread starts: signals are taken by the one that waits for them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Result<std::unique_ptr<Host>> host = Host::start(std::move(*parsed.options), log);
  if (!host.ok()) {
    log.error("can't start", {{"code", host.error().code}, {"why", host.error().to_text()}});
    return 1;
  }
  log.info("started", {{"port", std::to_string((*host)->port())}});
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    log.info("stopping", {{"signal", std::to_string(signal)}});
    (*host)->request_stop();
  });
  const Status ended = (*host)->run();
  if (!ended.ok())
    log.error("stopped", {{"code", ended.error().code}, {"why", ended.error().to_text()}});
  // The waiter may wait for a signal that never comes: give it one.
  pthread_kill(waiter.native_handle(), SIGTERM);
  waiter.join();
  host->reset();
  return ended.ok() ? 0 : 1;
}
