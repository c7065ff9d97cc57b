// For tests: a scheduler's day, as batches that hold together: documents, runs, attempts that
// succeed, fail and stage, snapshots with their files. Made by plan() and apply() themselves, out
// of a seed.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "scheduler/core/inputs.h"
#include "scheduler/core/liveness.h"
#include "scheduler/core/origin_book.h"
#include "scheduler/engine/ports.h"

namespace millrace::scheduler {

class Story {
 public:
  explicit Story(std::uint64_t seed);

  // The first is LeaderStarted, as every leader's.
  BatchRef next();
  // Goes into the next batch as well.
  void add(Input input) { inputs_.push_back(std::move(input)); }
  Settings& settings() { return settings_; }
  WallTime now() const { return now_.wall; }
  // The same again under another id: what another leader would write in its place.
  static BatchRef rival_of(const BatchRef& batch);

  const State& state() const { return state_; }  // after the batches told so far
  LeaderEpoch leader_epoch = LeaderEpoch(1);

  // What was told, to look for afterwards.
  std::map<BodyHash, std::string> bodies;
  std::map<SnapshotId, std::vector<FileRow>> files;  // added by the snapshot
  std::map<TaskRef, std::string> outputs, publications;
  std::vector<std::shared_ptr<const Run>> finished;
  std::map<RunId, events::RunFinished> ends;
  std::map<TaskRef, std::vector<Event>> attempts;  // their ends
  OriginBook origins;
  std::map<RunId, events::RunCreated> reruns;

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  BatchRef make(std::vector<Event> events, Planned rest);
  void submit();
  void rerun();
  void put_document();
  void report(TaskRef task);
  void note(const Batch& batch);
  Body new_body();

  std::mt19937_64 random_;
  State state_;
  Liveness liveness_;
  Settings settings_;
  Now now_{WallTime(1'700'000'000'000'000), Monotonic(1'000'000)};
  WorkerId worker_;
  std::vector<Input> inputs_;
  Sequence last_;
  int count_ = 0;
};

}  // namespace millrace::scheduler
