#include "scheduler/api/feed.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "lib/http/sse.h"

namespace millrace::api {
namespace {

// How much one call of advance() may look through and write, to hold the loop up for well under 1
// ms.
constexpr std::size_t kLookedAt = 4096;
constexpr std::size_t kWritten = 256;

bool is_about(const Interest& interest, const FeedEntry& entry) {
  switch (interest.scope) {
    case Interest::Scope::kRun:
      return entry.run != nullptr && entry.run->id == interest.run;
    case Interest::Scope::kRuns:
      return entry.run != nullptr && is_of_run_itself(entry.event) &&
             entry.run->ns == interest.ns &&
             (entry.run->spec == nullptr || !entry.run->spec->hidden);
    case Interest::Scope::kDocuments:
      return entry.run == nullptr;
  }
  return false;
}

bool names_namespace(const scheduler::Event& event, const std::string& ns) {
  if (const auto* put = std::get_if<scheduler::events::DocumentPut>(&event))
    return put->name.ns == ns;
  if (const auto* gone = std::get_if<scheduler::events::DocumentDeleted>(&event))
    return gone->name.ns == ns;
  return false;
}

}  // namespace

bool has_room(const http::BodyStream& stream, std::size_t bytes) {
  const std::size_t buffered = stream.buffered();
  return buffered == 0 || buffered + bytes <= stream.options().max_buffered / 2;
}

std::string frame_for(const Interest& interest, const FeedEntry& entry, bool& last) {
  last = false;
  if (!is_about(interest, entry)) return {};
  if (interest.scope == Interest::Scope::kDocuments && !names_namespace(entry.event, interest.ns))
    return {};
  const auto event = stream_event(entry.event, entry.run.get());
  if (!event) return {};
  const std::string_view type = event->type;
  last = interest.scope == Interest::Scope::kRun && type == "end";
  return http::sse_frame(entry.id.to_text(), type, event->data);
}

std::shared_ptr<const RunContext> Feed::context_of(const scheduler::Event& event,
                                                   scheduler::RunId run,
                                                   const scheduler::Batch& batch,
                                                   const scheduler::State& state) {
  if (run.is_nil()) return nullptr;
  if (const auto known = runs_.find(run); known != runs_.end()) return known->second;
  std::shared_ptr<const RunContext> context;
  if (const auto* created = std::get_if<scheduler::events::RunCreated>(&event)) {
    context = std::make_shared<RunContext>(
        RunContext{run, created->ns, created->name, created->workflow, created->spec});
  } else if (const scheduler::RunHeader* header = state.run(run)) {
    context = std::make_shared<RunContext>(
        RunContext{run, header->ns, header->name, header->workflow, header->spec});
  } else {
    // It began under another leader and ended in this very batch.
    for (const auto& ended : batch.finished)
      if (ended->header.id == run)
        context = std::make_shared<RunContext>(RunContext{
            run, ended->header.ns, ended->header.name, ended->header.workflow, ended->header.spec});
  }
  if (context != nullptr) runs_.emplace(run, context);
  return context;
}

void Feed::applied(const scheduler::Batch& batch, const scheduler::State& state) {
  const auto before = EventId{batch.sequence, 0};
  if (kept_.empty() && forgotten_ < before)
    forgotten_ = EventId::end_of(scheduler::Sequence(batch.sequence.value() - 1));
  for (std::uint32_t index = 0; index < batch.events.size(); ++index) {
    const scheduler::Event& event = batch.events[index];
    const scheduler::RunId run = run_of(event);
    kept_.push_back({{batch.sequence, index}, event, context_of(event, run, batch, state)});
    tell(kept_.back());
    if (std::holds_alternative<scheduler::events::RunFinished>(event)) {
      runs_.erase(run);
      by_run_.erase(run);
    }
    if (kept_.size() > kept_events_) {
      forgotten_ = kept_.front().id;
      kept_.pop_front();
    }
  }
}

void Feed::tell(const FeedEntry& entry) {
  if (entry.run != nullptr)
    if (const auto of_run = by_run_.find(entry.run->id); of_run != by_run_.end())
      tell(of_run->second, entry);
  if (!by_namespace_.empty()) tell(by_namespace_, entry);
}

void Feed::tell(std::vector<WatcherRef>& watchers, const FeedEntry& entry) {
  std::erase_if(watchers, [&entry](const WatcherRef& watcher) {
    bool last = false;
    std::string frame = frame_for(watcher->interest, entry, last);
    if (frame.empty()) return false;
    watcher->position = entry.id;
    const bool taken = watcher->stream->write(std::move(frame));
    if (last) watcher->stream->finish();
    return !taken || last;
  });
}

void Feed::leading(bool leads) {
  if (leads) return;
  for (auto& [run, watchers] : by_run_)
    for (const WatcherRef& watcher : watchers) watcher->stream->cut();
  for (const WatcherRef& watcher : by_namespace_) watcher->stream->cut();
  by_run_.clear();
  by_namespace_.clear();
  runs_.clear();
  kept_.clear();
  forgotten_ = EventId();
}

bool Feed::covers(EventId position) const {
  // With nothing kept, nothing is known of what went before.
  return !kept_.empty() && position >= forgotten_;
}

Feed::Step Feed::advance(const WatcherRef& watcher) {
  if (!covers(watcher->position)) return Step::kGap;
  auto entry = std::upper_bound(
      kept_.begin(), kept_.end(), watcher->position,
      [](const EventId& position, const FeedEntry& kept) { return position < kept.id; });
  std::size_t looked_at = 0;
  std::size_t written = 0;
  for (; entry != kept_.end(); ++entry) {
    if (++looked_at > kLookedAt || written >= kWritten) return Step::kMore;
    bool last = false;
    std::string frame = frame_for(watcher->interest, *entry, last);
    if (!frame.empty() && !has_room(*watcher->stream, frame.size())) return Step::kMore;
    watcher->position = entry->id;
    if (frame.empty()) continue;
    ++written;
    watcher->stream->write(std::move(frame));
    if (last) {
      watcher->stream->finish();
      return Step::kEnded;
    }
  }
  if (watcher->interest.scope == Interest::Scope::kRun)
    by_run_[watcher->interest.run].push_back(watcher);
  else
    by_namespace_.push_back(watcher);
  return Step::kLive;
}

void Feed::remove(const WatcherRef& watcher) {
  std::erase(by_namespace_, watcher);
  if (const auto of_run = by_run_.find(watcher->interest.run); of_run != by_run_.end()) {
    std::erase(of_run->second, watcher);
    if (of_run->second.empty()) by_run_.erase(of_run);
  }
}

std::size_t Feed::watchers() const {
  std::size_t count = by_namespace_.size();
  for (const auto& [run, watchers] : by_run_) count += watchers.size();
  return count;
}

}  // namespace millrace::api
