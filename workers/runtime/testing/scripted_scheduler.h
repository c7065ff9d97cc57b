// A scheduler for the tests of the worker: speaks the worker protocol as the test tells it to.
//
// Heartbeats are answered by themselves, all attempts renewed, unless `fence` or `silent` say
// otherwise.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/units.h"
#include "millrace/worker/v1alpha1/worker.pb.h"

namespace millrace::runtime {

class ScriptedScheduler {
 public:
  // Listens at the path at once.
  ScriptedScheduler(const std::string& socket_path, std::string token, Micros lease);
  ~ScriptedScheduler();

  // The next message of the worker that `wanted` accepts; others before it are dropped. Fails the
  // test after 30 s.
  worker::v1alpha1::WorkerMessage await(
      const std::function<bool(const worker::v1alpha1::WorkerMessage&)>& wanted);
  worker::v1alpha1::WorkerMessage await_hello();
  worker::v1alpha1::WorkerMessage await_result(std::uint64_t epoch);
  worker::v1alpha1::WorkerMessage await_heartbeat(
      const std::function<bool(const worker::v1alpha1::Heartbeat&)>& wanted);
  // Messages that have arrived and were not awaited.
  std::size_t count(const std::function<bool(const worker::v1alpha1::WorkerMessage&)>& wanted);

  void send(const worker::v1alpha1::SchedulerMessage& message);
  // Describe answers `body` for the attempt; then Start.
  void start(std::uint64_t epoch, const std::string& body, const std::string& ns = "default",
             std::int64_t memory_bytes = 0);
  // The body travels with the Start; Describe would answer that the attempt is fenced.
  void start_described(std::uint64_t epoch, const std::string& body);
  void acknowledge(std::uint64_t epoch);
  void cancel(std::uint64_t epoch, Micros grace);
  void fence(std::uint64_t epoch);
  void set_silent(bool silent);  // heartbeats are not answered
  // Every result ends the stream, as one that can't be parsed does.
  void set_refusing_results(bool refusing);

  static task::v1alpha1::AttemptRef ref(std::uint64_t epoch);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::runtime
