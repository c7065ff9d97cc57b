// R/events, and ?watch=true of lists: what happens, as server-sent events that resume.
//
// A stream without Last-Event-ID begins with what is: every task and then the run, the last of
// which carries an id. One that resumes is first caught up, from the feed's memory or from the log,
// at the pace of its reader; then it is told as things happen.
#include "scheduler/api/events.h"

#include <deque>
#include <map>

#include "lib/http/sse.h"
#include "scheduler/api/find.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/query.h"
#include "scheduler/api/run_names.h"

namespace millrace::api {
namespace {

constexpr std::size_t kLogPage = 500;

std::shared_ptr<http::BodyStream> make_stream(const Context& context,
                                              http::BodyStream::Options options) {
  options.max_buffered = context.options.max_stream_buffer;
  options.ping_interval = context.options.ping_interval;
  options.ping = http::kPing;
  return std::make_shared<http::BodyStream>(std::move(options));
}

http::Response stream_response(std::shared_ptr<http::BodyStream> stream) {
  http::Response response;
  response.content_type = http::kEventStream;
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Accel-Buffering", "no");  // nginx would hold events back
  response.stream = std::move(stream);
  return response;
}

// Live figures of a run's attempts: each at most once an interval, and only when they have changed.
std::function<std::string()> progress_source(ProgressPort& port,
                                             std::shared_ptr<const RunContext> run) {
  auto before = std::make_shared<std::map<scheduler::TaskIndex, std::string>>();
  return [&port, run = std::move(run), before] {
    std::string frames;
    std::map<scheduler::TaskIndex, std::string> now;
    for (const AttemptProgress& progress : port.progress(run->id)) {
      const scheduler::TaskIndex task = progress.attempt.task;
      const bool known = run->spec != nullptr && task.value() < run->spec->tasks.size();
      Json json;
      json["name"] = known ? run->spec->tasks[task.value()].name : std::to_string(task.value());
      json.update(progress_json(progress));
      std::string& data = now[task] = dump(json);
      const auto told = before->find(task);
      if (told == before->end() || told->second != data)
        frames += http::sse_frame("", "progress", data);
    }
    *before = std::move(now);
    return frames;
  };
}

// What the log has after the watcher's position.
Result<LogPage> next_page(const Context& context, const Watcher& watcher) {
  return context.ports.reads.events(watcher.position, watcher.interest.run, kLogPage);
}

Error not_yet(EventId position) {
  return invalid_request("after", "event " + position.to_text() + " has not happened yet");
}

// One stream on its way from the past to the present. Lives as long as its stream is fed.
class Replay : public std::enable_shared_from_this<Replay> {
 public:
  Replay(Context& context, WatcherRef watcher, std::shared_ptr<const RunContext> run)
      : context_(context), watcher_(std::move(watcher)), run_(std::move(run)) {}

  // Any thread.
  void write_then_follow(std::deque<std::string> frames, bool ends) {
    frames_ = std::move(frames);
    ends_ = ends;
    write_frames();
  }

  // Catches up from the feed and stays with it.
  void follow() {
    context_.ports.engine.read([self = shared_from_this()](const Result<View>& view) {
      if (!view.ok()) return self->watcher_->stream->cut();
      self->follow_on_loop(*view);
    });
  }

  // From the log. On the pool.
  void read_log() {
    const auto page = next_page(context_, *watcher_);
    // The client comes back and is told why, with a status.
    if (!page.ok()) return watcher_->stream->cut();
    write_page(*page);
  }

  // On the pool.
  void write_page(const LogPage& page) {
    const bool of_runs = watcher_->interest.scope == Interest::Scope::kRuns;
    if (of_runs && !names_.learn(context_, page).ok()) return watcher_->stream->cut();
    std::deque<std::string> frames;
    bool ended = false;
    for (const LoggedEvent& logged : page.events) {
      const FeedEntry entry{logged.id, logged.event,
                            of_runs ? names_.of(run_of(logged.event)) : run_};
      std::string frame = frame_for(watcher_->interest, entry, ended);
      if (!frame.empty()) frames.push_back(std::move(frame));
      if (ended) break;
    }
    if (of_runs) names_.forget_ended(page);
    watcher_->position = std::max(watcher_->position, page.next);
    log_done_ = page.complete;
    write_then_follow(std::move(frames), ended);
  }

 private:
  void write_frames() {
    const auto& stream = watcher_->stream;
    while (!frames_.empty()) {
      if (!has_room(*stream, frames_.front().size()))
        return stream->when_below(0, [self = shared_from_this()] { self->write_frames(); });
      if (!stream->write(std::move(frames_.front()))) return;
      frames_.pop_front();
    }
    if (ends_) return stream->finish();
    follow();
  }

  void follow_on_loop(const View& view) {
    const auto& stream = watcher_->stream;
    if (stream->abandoned()) return;
    switch (context_.feed.advance(watcher_)) {
      case Feed::Step::kEnded:
        return;
      case Feed::Step::kMore:
        return stream->when_below(0, [self = shared_from_this()] { self->follow(); });
      case Feed::Step::kGap:
        // The log has more pages, or what is kept here begins later. A log that stops short of it
        // is none that could help.
        if (log_done_ && std::exchange(gap_, watcher_->position) == watcher_->position)
          return stream->cut();
        if (!context_.pool.post([self = shared_from_this()] { self->read_log(); })) stream->cut();
        return;
      case Feed::Step::kLive:
        break;
    }
    // Of a run that ended before the position that the client knows there is nothing to come.
    if (watcher_->interest.scope == Interest::Scope::kRun &&
        view.state->run(watcher_->interest.run) == nullptr) {
      context_.feed.remove(watcher_);
      return stream->finish();
    }
    stream->on_abandoned([&context = context_, weak = std::weak_ptr<Watcher>(watcher_)] {
      context.ports.engine.read([&context, weak](const Result<View>&) {
        if (const auto watcher = weak.lock()) context.feed.remove(watcher);
      });
    });
  }

  Context& context_;
  const WatcherRef watcher_;
  const std::shared_ptr<const RunContext> run_;  // of kRun
  RunNames names_;                               // of kRuns
  std::deque<std::string> frames_;
  bool ends_ = false;
  bool log_done_ = false;
  EventId gap_;  // where the feed could not go on
};

// What is, as a stream begins: tasks, then the run (or its end).
struct Beginning {
  std::vector<TaskView> tasks;
  bool covered = false;  // the feed has all after the client's position
};

Json snapshot_task_json(const TaskView& task, const scheduler::WorkflowSpec* spec) {
  Json json = task_json(task, spec);
  json["at"] = time_text(task.record.since);
  return json;
}

Json snapshot_run_json(const RunSummary& run) {
  Json json = {{"name", run.record.name},
               {"runId", run.record.id.to_text()},
               {"workflow", run.record.workflow},
               {"phase", phase_of(run)}};
  if (!run.record.message.empty()) json["message"] = run.record.message;
  json["createdAt"] = time_text(run.record.created);
  json["at"] = time_text(run.live ? run.record.created : run.record.finished);
  return json;
}

std::deque<std::string> snapshot_frames(const FoundRun& found, const std::vector<TaskView>& tasks) {
  const RunSummary& run = found.summary;
  std::deque<std::string> frames;
  for (const TaskView& task : tasks)
    frames.push_back(http::sse_frame("", "task", dump(snapshot_task_json(task, spec_of(run)))));
  frames.push_back(http::sse_frame(found.as_of.to_text(), run.live ? "run" : "end",
                                   dump(snapshot_run_json(run))));
  return frames;
}

Status watch_run(Context& context, const http::Request& request, const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {"after"}));
  MILLRACE_TRY(position, position_of(request));
  Beginning beginning;
  MILLRACE_TRY(found, find_run(context, request, [&](const View& view, scheduler::RunId id) {
                 beginning.covered = position && context.feed.covers(*position);
                 if (position) return;
                 const std::vector<scheduler::Task>& tasks = *view.state->tasks(id);
                 beginning.tasks.reserve(tasks.size());
                 for (std::uint32_t i = 0; i < tasks.size(); ++i)
                   beginning.tasks.push_back(view_of(tasks[i], scheduler::TaskIndex(i)));
               }));
  const RunRecord& record = found.summary.record;
  if (position && *position > found.as_of) return not_yet(*position);
  auto run = std::make_shared<const RunContext>(
      RunContext{record.id, record.ns, record.name, record.workflow, record.spec});

  http::BodyStream::Options options;
  if (found.summary.live) {
    options.tick_interval = context.options.progress_interval;
    options.tick = progress_source(context.ports.progress, run);
  }
  auto watcher = std::make_shared<Watcher>(
      Watcher{.interest = {.scope = Interest::Scope::kRun, .run = record.id, .ns = record.ns},
              .position = position.value_or(found.as_of),
              .stream = make_stream(context, std::move(options))});
  auto replay = std::make_shared<Replay>(context, watcher, run);
  if (!position) {
    if (!found.summary.live) {
      MILLRACE_TRY(records, context.ports.reads.tasks(record.id));
      for (TaskRecord& task : records) {
        beginning.tasks.emplace_back();
        beginning.tasks.back().record = std::move(task);
      }
    }
    MILLRACE_RETURN_IF_ERROR(add_endings(context, record.id, beginning.tasks));
    responder.send(stream_response(watcher->stream));
    replay->write_then_follow(snapshot_frames(found, beginning.tasks), !found.summary.live);
    return ok_status();
  }
  if (beginning.covered) {
    responder.send(stream_response(watcher->stream));
    replay->follow();
    return ok_status();
  }
  // Before the response begins: a position that the log has forgotten is a status, 410.
  MILLRACE_TRY(page, next_page(context, *watcher));
  responder.send(stream_response(watcher->stream));
  replay->write_page(page);
  return ok_status();
}

}  // namespace

Result<std::optional<EventId>> position_of(const http::Request& request) {
  std::string text(request.headers.get("last-event-id"));
  const std::string name = text.empty() ? "after" : "Last-Event-ID";
  if (text.empty()) {
    const auto after = request.query.get("after");
    if (!after) return std::optional<EventId>();
    text = *after;
  }
  const auto id = EventId::parse(text);
  if (!id)
    return invalid_request(name, "\"" + text + "\" is no event's id",
                           "give the id of the last event seen");
  return std::optional<EventId>(*id);
}

Status watch_list(Context& context, const http::Request& request, const http::Responder& responder,
                  Interest interest) {
  MILLRACE_TRY(position, position_of(request));
  struct Seen {
    EventId as_of;
    bool covered = false;
  };
  const auto seen = look_at(context.ports.engine, [&](const View& view) -> Result<Seen> {
    const EventId as_of = EventId::end_of(view.applied);
    return Seen{as_of, context.feed.covers(position.value_or(as_of))};
  });
  if (!seen.ok()) return seen.error();
  if (position && *position > seen->as_of) return not_yet(*position);
  auto watcher = std::make_shared<Watcher>(Watcher{.interest = std::move(interest),
                                                   .position = position.value_or(seen->as_of),
                                                   .stream = make_stream(context, {})});
  const auto replay = std::make_shared<Replay>(context, watcher, nullptr);
  if (!position || seen->covered) {
    responder.send(stream_response(watcher->stream));
    replay->follow();
    return ok_status();
  }
  // As of a run: what is forgotten here the log has, or a status says that it has not.
  MILLRACE_TRY(page, next_page(context, *watcher));
  responder.send(stream_response(watcher->stream));
  replay->write_page(page);
  return ok_status();
}

void add_event_routes(http::Router& router, Context& context) {
  router.add("GET", "/v1/namespaces/{ns}/runs/{run}/events", starting(context, watch_run));
}

}  // namespace millrace::api
