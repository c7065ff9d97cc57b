// SchedulerLink: the worker's stream to the scheduler, over gRPC. Connects when told to, once; what
// becomes of a broken stream is its owner's affair. All events arrive on the executor, never within
// a call.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "millrace/task/v1alpha1/task.pb.h"
#include "millrace/worker/v1alpha1/worker.pb.h"

namespace millrace::runtime {

struct LinkSettings {
  std::string address;      // "unix:/run/millrace/dispatch.sock"
  std::string token;        // the bearer token
  std::string incarnation;  // text form: names the worker in Describe
};

class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  virtual void on_scheduler_message(worker::v1alpha1::SchedulerMessage message) = 0;
  // The stream ended. connect() again at will.
  virtual void on_link_closed(const Error& reason) = 0;
};

// The pages of a description. Errors: lease.fenced; describe.unavailable (Transient), ask again;
// describe.failed (Infrastructure).
using DescribeAnswer = std::function<void(Result<std::vector<task::v1alpha1::Description>>)>;

class SchedulerLink {
 public:
  SchedulerLink(boost::asio::any_io_executor executor, LinkSettings settings, LinkEvents& events);
  // Ends what is under way; no event follows.
  ~SchedulerLink();

  // One stream at a time: after on_link_closed or at first.
  void connect(const worker::v1alpha1::WorkerMessage& hello);
  // Dropped without a stream.
  void send(worker::v1alpha1::WorkerMessage message);
  // Bytes that wait to be sent.
  std::size_t queued() const;
  void describe(const task::v1alpha1::AttemptRef& attempt, DescribeAnswer answer);
  // Sends what is queued, then ends the stream.
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace millrace::runtime
