#include "scheduler/store/codec.h"

#include <gtest/gtest.h>

#include "millrace/log/v1alpha1/log.pb.h"
#include "scheduler/store/testing/random_log.h"

namespace millrace::scheduler {
namespace {

namespace pb = millrace::log::v1alpha1;

std::vector<std::string> chunks_of(const State& state, std::size_t bytes) {
  CheckpointEncoder encoder(state, bytes);
  std::vector<std::string> chunks;
  while (auto chunk = encoder.next()) chunks.push_back(std::move(*chunk));
  return chunks;
}

Result<State> state_of(const std::vector<std::string>& chunks) {
  SpecPool pool;
  CheckpointDecoder decoder(pool);
  for (const std::string& chunk : chunks) MILLRACE_RETURN_IF_ERROR(decoder.add(chunk));
  return decoder.finish();
}

TEST(Codec, any_events_come_back_as_they_were) {
  std::vector<bool> met(std::variant_size_v<Event>);
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomLog random(seed);
    std::vector<Event> events;
    for (auto n = random.below(20); n > 0; --n) {
      events.push_back(random.event());
      met[events.back().index()] = true;
    }
    SpecPool pool;
    const auto decoded = decode_events(encode_events(events), pool);
    ASSERT_TRUE(decoded.ok()) << decoded.error().to_text();
    ASSERT_EQ(decoded->size(), events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_TRUE(same((*decoded)[i], events[i])) << to_text(events[i]) << "\n"
                                                  << to_text((*decoded)[i]);
    }
  }
  EXPECT_EQ(std::count(met.begin(), met.end(), false), 0) << "a kind of event was never tried";
}

TEST(Codec, any_state_comes_back_in_chunks_of_any_size) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomLog random(seed);
    const State state = random.state();
    const auto decoded = state_of(chunks_of(state, 1 + random.below(10'000)));
    ASSERT_TRUE(decoded.ok()) << decoded.error().to_text();
    EXPECT_EQ(difference(state, *decoded), "");
  }
}

TEST(Codec, a_run_larger_than_a_chunk_goes_on_in_the_next) {
  auto spec = std::make_shared<WorkflowSpec>();
  for (int i = 0; i < 5000; ++i) {
    spec->tasks.emplace_back();
    spec->tasks.back().name = "t" + std::to_string(i);
  }
  ASSERT_TRUE(spec->finish().ok());
  State state;
  RunHeader run;
  run.id = RunId(RawId{1, 2});
  run.spec = spec;
  state.put_run(run, std::vector<Task>(5000));
  const auto chunks = chunks_of(state, 1);
  EXPECT_GE(chunks.size(), 5U);
  const auto decoded = state_of(chunks);
  ASSERT_TRUE(decoded.ok()) << decoded.error().to_text();
  EXPECT_EQ(difference(state, *decoded), "");
}

TEST(Codec, equal_specs_are_kept_once) {
  RandomLog random(7);
  const WorkflowSpecRef spec = random.spec();
  events::RunCreated created;
  created.spec = spec;
  const std::vector<Event> events = {created, created};
  SpecPool pool;
  const auto first = decode_events(encode_events(events), pool);
  created.spec = std::make_shared<WorkflowSpec>(*spec);
  const auto second = decode_events(encode_events(std::vector<Event>{created}), pool);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(pool.size(), 1U);
  EXPECT_EQ(std::get<events::RunCreated>((*first)[0]).spec,
            std::get<events::RunCreated>((*second)[0]).spec);
}

TEST(Codec, a_field_of_a_later_version_is_passed_over) {
  RandomLog random(3);
  const std::vector<Event> events = {random.event()};
  std::string bytes = encode_events(events);
  bytes += std::string("\xFA\x3F\x03new", 6);  // field 1023, three bytes
  SpecPool pool;
  const auto decoded = decode_events(bytes, pool);
  ASSERT_TRUE(decoded.ok()) << decoded.error().to_text();
  EXPECT_TRUE(same((*decoded)[0], events[0]));
}

TEST(Codec, a_decision_of_a_later_version_stops_the_reader) {
  SpecPool pool;
  pb::Batch batch;
  batch.add_events();  // as an event whose kind is not known here reads
  EXPECT_EQ(decode_events(batch.SerializeAsString(), pool).error().code, "log.unknown");

  batch.mutable_events(0)->mutable_run_finished()->set_outcome(static_cast<pb::RunOutcome>(99));
  EXPECT_EQ(decode_events(batch.SerializeAsString(), pool).error().code, "log.unknown");
}

TEST(Codec, what_does_not_hold_together_is_an_error) {
  SpecPool pool;
  pb::Batch batch;
  batch.add_events()->mutable_run_created()->set_run("short");
  EXPECT_EQ(decode_events(batch.SerializeAsString(), pool).error().code, "log.broken");
  batch.mutable_events(0)->mutable_run_created()->set_run("");
  batch.mutable_events(0)->mutable_run_created()->set_spec(1);
  EXPECT_EQ(decode_events(batch.SerializeAsString(), pool).error().code, "log.broken");

  auto& task = *batch.add_specs()->add_tasks();
  task.set_run_on(pb::RUN_ON_SUCCESS);
  task.add_needs(5);
  EXPECT_EQ(decode_events(batch.SerializeAsString(), pool).error().code, "spec.invalid");
}

TEST(Codec, a_checkpoint_with_a_gap_is_an_error) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomLog random(seed);
    auto chunks = chunks_of(random.state(), 1);
    if (chunks.size() < 2) continue;
    EXPECT_FALSE(state_of({chunks.begin() + 1, chunks.end()}).ok()) << "the first is missing";
    chunks.push_back(chunks.front());
    EXPECT_FALSE(state_of(chunks).ok()) << "the first stands there twice";
  }
  EXPECT_FALSE(state_of({}).ok());
}

// Nor do they give what could not be written again: what is taken for a log or a state is one.
TEST(Codec, broken_bytes_are_refused_or_make_sense) {
  int taken = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomLog random(seed);
    const bool log = random.chance();
    std::string bytes;
    if (log) {
      const std::vector<Event> events = {random.event(), random.event()};
      bytes = encode_events(events);
    } else {
      bytes = chunks_of(random.state(), 100'000).front();
    }
    switch (random.below(3)) {
      case 0:
        bytes.resize(random.below(bytes.size() + 1));
        break;
      case 1:
        for (auto n = 1 + random.below(8); n > 0 && !bytes.empty(); --n) {
          bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
        }
        break;
      default:
        bytes.insert(0, random.text());
    }
    if (log) {
      SpecPool pool;
      const auto decoded = decode_events(bytes, pool);
      if (!decoded.ok()) continue;
      const auto again = decode_events(encode_events(*decoded), pool);
      ASSERT_TRUE(again.ok()) << again.error().to_text();
      ASSERT_EQ(again->size(), decoded->size());
      for (std::size_t i = 0; i < again->size(); ++i)
        EXPECT_TRUE(same((*again)[i], (*decoded)[i])) << to_text((*decoded)[i]) << "\n"
                                                      << to_text((*again)[i]);
    } else {
      const auto decoded = state_of({bytes});
      if (!decoded.ok()) continue;
      const auto again = state_of(chunks_of(*decoded, 100'000));
      ASSERT_TRUE(again.ok()) << again.error().to_text();
      EXPECT_EQ(difference(*decoded, *again), "");
    }
    ++taken;
  }
  EXPECT_GT(taken, 100);
}

}  // namespace
}  // namespace millrace::scheduler
