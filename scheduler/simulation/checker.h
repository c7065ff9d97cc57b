// Checker: reads the one log of a simulated installation as it grows and holds it against what must
// be true of it, beside a truth of its own about what workers really did.
//
// A violation is kept as text; the first one is the finding.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scheduler/core/origin_book.h"
#include "scheduler/core/settings.h"
#include "scheduler/core/state.h"
#include "scheduler/core/sweep.h"
#include "scheduler/engine/ports.h"

namespace millrace::simulation {

class Checker {
 public:
  explicit Checker(scheduler::Settings settings) : settings_(std::move(settings)) {}

  // Nothing goes wrong in this world: no attempt may be lost, then.
  void expect_calm() { calm_ = true; }

  // --- the log
  void appended(const scheduler::Batch& batch);
  // A scheduler recovered, or applied this sequence: it must have what the log gives.
  void check_state(const scheduler::State& state, scheduler::Sequence sequence);

  // --- the truth about workers
  void worker_exists(scheduler::WorkerId worker, const scheduler::Resources& capacity);
  void attempt_begins(const scheduler::AttemptRef& attempt, scheduler::WorkerId worker);
  void attempt_ends(const scheduler::AttemptRef& attempt);
  void produced(const scheduler::AttemptRef& attempt, bool success);

  // --- what parties were told
  void told_run(scheduler::RunId run, const std::string& key);
  void told_accepted(const scheduler::AttemptRef& attempt);
  void told_start(const scheduler::AttemptRef& attempt);

  // --- the data
  // A file of the attempt's is about to be deleted: nobody may read or write it, and no snapshot
  // that is kept may have it.
  void file_goes(const scheduler::AttemptPrefix& attempt, const std::string& file);

  // --- the end
  void everything_ended();
  // What lies in the folder of data files once everything has been swept, and what should.
  void everything_swept(const std::set<std::string>& present,
                        const std::set<std::string>& referenced);

  const std::optional<std::string>& violation() const { return violation_; }
  const scheduler::State& state() const { return state_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t trace_hash() const { return trace_; }
  std::size_t finished_runs() const { return finished_.size(); }
  // Runs that ended, as a rerun needs them.
  const scheduler::OriginBook& origins() const { return origins_; }
  const std::vector<std::string>& tail() const { return tail_; }
  // How often each kind of thing happened: to see that a profile reaches what it is meant to reach.
  const std::map<std::string, std::uint64_t>& happened() const { return happened_; }

 private:
  void on(const scheduler::Event& event, WallTime at);
  void forgotten(const scheduler::events::KeysForgotten& event, WallTime at);
  void taken_over(const scheduler::events::RunCreated& event);
  void placed(const scheduler::events::AttemptPlaced& event);
  // Of a task of a rerun: it reads what its origin read, wherever the rerun wrote nothing new.
  void reads_as_origin(const scheduler::events::AttemptPlaced& event);
  void succeeded(const scheduler::events::AttemptSucceeded& event);
  void committed(const scheduler::AttemptPrefix& attempt,
                 const scheduler::events::SnapshotCommitted& snapshot);
  void expired(const scheduler::events::SnapshotsExpired& event);
  void violate(std::string text);
  void require(bool holds, const char* text, const scheduler::Event* event = nullptr);

  scheduler::Settings settings_;
  scheduler::State state_;  // the log's, by the very apply()
  scheduler::Sequence sequence_;
  bool calm_ = false;
  std::uint64_t events_ = 0;
  std::uint64_t trace_ = 0xCBF29CE484222325ULL;
  std::optional<std::string> violation_;
  std::vector<std::string> tail_;
  std::map<std::string, std::uint64_t> happened_;
  std::map<std::uint64_t, std::uint64_t> digests_;  // by sequence, of the latest few

  std::map<scheduler::WorkerId, scheduler::Resources> capacities_;
  std::map<scheduler::TaskRef, std::set<scheduler::Epoch>> running_;  // in truth
  std::map<scheduler::Epoch, bool> produced_;
  std::set<scheduler::Epoch> placed_;
  std::set<scheduler::Epoch> counted_;  // results in the log
  std::map<scheduler::TaskRef, std::vector<scheduler::events::Pin>> first_inputs_;
  std::map<scheduler::Epoch, std::vector<scheduler::events::Pin>> bases_;
  std::map<scheduler::Epoch, std::vector<scheduler::SnapshotId>> reads_;
  std::map<scheduler::SnapshotId, std::set<std::string>> contents_;  // of all that ever were
  std::set<scheduler::SnapshotId> kept_;                             // not expired
  std::map<std::string, std::uint32_t> holders_;                     // of a file: kept snapshots
  std::map<std::string, scheduler::RunId> keys_;
  std::set<scheduler::RunId> created_;
  std::set<scheduler::RunId> finished_;
  scheduler::OriginBook origins_;
  std::map<scheduler::RunId, std::set<scheduler::TaskIndex>> taken_;  // by reruns
};

}  // namespace millrace::simulation
