#include "scheduler/core/placement.h"

#include <gtest/gtest.h>

#include <random>

namespace millrace::scheduler {
namespace {

WorkerId worker(std::uint64_t number) { return WorkerId(RawId{1, number}); }

Resources room(std::int64_t cpu, std::int64_t memory, std::int64_t disk = 1024) {
  return {MilliCpu(cpu), mebibytes(memory), mebibytes(disk)};
}

// Workers 1, 2, … of that capacity and free room.
std::vector<Candidate> workers(const std::vector<std::pair<Resources, Resources>>& list) {
  std::vector<Candidate> candidates;
  candidates.reserve(list.size());
  for (const auto& [capacity, free] : list)
    candidates.push_back({worker(candidates.size() + 1),
                          "w" + std::to_string(candidates.size() + 1), capacity, free});
  return candidates;
}

TEST(Placement, takes_the_first_that_fits_in_every_dimension) {
  const Resources large = room(4000, 4096);
  struct Row {
    const char* what;
    std::vector<std::pair<Resources, Resources>> workers;
    Resources request;
    std::uint64_t avoid;
    std::optional<WorkerId> expected;
    std::string code;  // when there is none
  };
  const std::vector<Row> rows{
      {"nobody", {}, room(1, 1), 0, {}, "NoWorkers"},
      {"first of two", {{large, large}, {large, large}}, room(1000, 256), 0, worker(1), ""},
      {"exactly full", {{large, room(1000, 256)}}, room(1000, 256), 0, worker(1), ""},
      {"cpu short", {{large, room(999, 4096)}, {large, large}}, room(1000, 1), 0, worker(2), ""},
      {"memory short", {{large, room(4000, 255)}, {large, large}}, room(1, 256), 0, worker(2), ""},
      {"disk short",
       {{large, room(4000, 4096, 9)}, {large, large}},
       room(1, 1, 10),
       0,
       worker(2),
       ""},
      {"busy", {{large, room(0, 0)}}, room(1000, 256), 0, {}, "NoRoom"},
      {"too large for all", {{large, large}}, room(5000, 1), 0, {}, "NeverFits"},
      {"no one has both",
       {{room(9000, 1), room(9000, 1)}, {room(1, 9000), room(1, 9000)}},
       room(2000, 2000),
       0,
       {},
       "NeverFits"},
      {"elsewhere", {{large, large}, {large, large}}, room(1000, 256), 1, worker(2), ""},
      {"elsewhere, though that is busy now",
       {{large, large}, {large, room(0, 0)}},
       room(1000, 256),
       1,
       {},
       "NoRoom"},
      {"no elsewhere: the other is too small",
       {{large, large}, {room(500, 99), room(500, 99)}},
       room(1000, 256),
       1,
       worker(1),
       ""},
      {"no elsewhere: it is alone", {{large, large}}, room(1000, 256), 1, worker(1), ""},
      {"avoids one that is gone", {{large, large}}, room(1000, 256), 7, worker(1), ""},
  };
  for (const Row& row : rows) {
    const auto candidates = workers(row.workers);
    const WorkerId avoid = row.avoid == 0 ? WorkerId() : worker(row.avoid);
    EXPECT_EQ(first_fit(candidates, row.request, avoid), row.expected) << row.what;
    if (!row.expected) {
      EXPECT_EQ(no_fit_code(candidates, row.request), row.code) << row.what;
    }
  }
}

TEST(Placement, never_chooses_a_worker_without_room_nor_passes_over_an_earlier_one) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t bound) {
      return static_cast<std::int64_t>(random() % bound);
    };
    std::vector<std::pair<Resources, Resources>> list;
    for (std::int64_t count = below(6); count > 0; --count) {
      const Resources capacity = room(below(4000), below(4096), below(100));
      list.emplace_back(capacity, room(below(4000), below(4096), below(100)));
    }
    const auto candidates = workers(list);
    const Resources request = room(below(2000), below(2048), below(50));
    const auto chosen = first_fit(candidates, request, WorkerId());
    for (const Candidate& candidate : candidates) {
      if (candidate.id == chosen) {
        EXPECT_EQ(shortage(request, candidate.free), "") << "seed " << seed;
        break;
      }
      EXPECT_NE(shortage(request, candidate.free), "") << "seed " << seed;
    }
  }
}

TEST(Placement, says_what_is_short) {
  EXPECT_EQ(shortage(room(1000, 256), room(1000, 256)), "");
  EXPECT_EQ(shortage(room(2500, 256), room(1000, 256)), "short 1.5 CPU");
  EXPECT_EQ(shortage(room(2500, 3072, 2048), room(1000, 1024, 0)),
            "short 1.5 CPU, 2.0 GiB memory, 2.0 GiB disk");
}

}  // namespace
}  // namespace millrace::scheduler
