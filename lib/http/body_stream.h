// BodyStream: the body of a response that is still being made, with a bounded buffer between the
// thread that writes and the connection that sends.
//
// A reader that falls behind by more than the bound is dropped: write() says false, and the
// connection is closed without the body's end, so the client sees a break and can resume.
// Thread-safe.
//
//   auto stream = std::make_shared<BodyStream>(BodyStream::Options{});
//   responder.send({.content_type = "text/event-stream", .stream = stream});
//   if (!stream->write(frame)) unsubscribe();
//   stream->finish();
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "base/units.h"

namespace millrace::http {

class BodyStream {
 public:
  struct Options {
    std::size_t max_buffered = 1 << 20;  // bytes
    // Sent when nothing else was for so long, to keep proxies and clients awake. 0: never.
    Micros ping_interval{0};
    std::string ping{};
    // Asked on the server's thread at this interval for a chunk to send; "" sends nothing. 0:
    // never.
    Micros tick_interval{0};
    std::function<std::string()> tick{};
  };

  explicit BodyStream(Options options) : options_(std::move(options)) {}

  // --- the writer's side
  // ---------------------------------------------------------------------------- False: the reader
  // is gone or too slow; nothing more will be sent.
  bool write(std::string chunk);
  // The body is complete.
  void finish();
  // The body breaks off: what is buffered is dropped, and the client sees the connection end
  // without the body's end.
  void cut();
  bool abandoned() const;
  std::size_t buffered() const;  // bytes that wait for the connection
  // Calls back once when the reader is gone (at once if it is). On the server's thread, or the
  // caller's.
  void on_abandoned(std::function<void()> callback);
  // Calls back once when at most `bytes` are buffered (at once if so), also when the reader is
  // gone. This is how a long replay is paced by its reader.
  void when_below(std::size_t bytes, std::function<void()> callback);

  // --- the connection's side
  // ------------------------------------------------------------------------
  enum class Take { kChunk, kNothing, kEnd, kBroken };
  Take take(std::string& chunk);
  // Called when there may be something to take. Replaces the one before.
  void set_wake(std::function<void()> wake);
  // The reader is gone.
  void abandon();
  const Options& options() const { return options_; }

 private:
  const Options options_;
  mutable std::mutex mutex_;
  std::deque<std::string> chunks_;
  std::size_t buffered_ = 0;
  bool finished_ = false;
  bool broken_ = false;  // cut off by the writer, or by its reader's lag
  bool abandoned_ = false;
  std::function<void()> wake_;
  std::function<void()> on_abandoned_;
  std::size_t below_ = 0;
  std::function<void()> when_below_;
};

}  // namespace millrace::http
