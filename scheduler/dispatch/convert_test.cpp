#include "scheduler/dispatch/convert.h"

#include <gtest/gtest.h>

#include <random>

#include "scheduler/dispatch/description_pages.h"

namespace millrace::scheduler {
namespace {

using DescriptionPage = task::v1alpha1::Description;

const WorkerTerms kTerms{"0.1.0", seconds(15), seconds(5), seconds(10)};

AttemptRef attempt_of(std::uint64_t seed) {
  return {RunId(RawId{seed * 0x9E3779B97F4A7C15ULL + 1, ~seed}), TaskIndex(3), AttemptNumber(2),
          Epoch(seed + 7)};
}

// What a runner does with the pages that it is given.
Description joined(const std::vector<DescriptionPage>& pages) {
  Description out;
  out.attempt = *from_proto(pages.front().attempt());
  for (const DescriptionPage& page : pages) {
    out.ns += page.namespace_();
    out.run_name += page.run_name();
    out.task_name += page.task_name();
    out.kind += page.kind();
    out.body_json += page.body_json();
    out.parameters_json += page.parameters_json();
    out.publication_json += page.publication_json();
    if (page.phase() == task::v1alpha1::PHASE_PUBLISH) out.phase = Phase::kPublish;
    out.publication_order += page.publication_order();
    out.installation += page.installation();
    for (const auto& input : page.inputs()) {
      if (out.inputs.empty() || out.inputs.back().dataset != input.dataset())
        out.inputs.push_back({input.dataset(), "", "", {}});
      DescribedInput& to = out.inputs.back();
      to.snapshot_id += input.snapshot_id();
      to.schema_json += input.schema_json();
      for (const auto& file : input.files())
        to.files.push_back({file.path(), file.rows(), Bytes(file.bytes()), file.checksum(),
                            file.statistics_json()});
    }
  }
  return out;
}

bool same(const Description& a, const Description& b) {
  if (a.inputs.size() != b.inputs.size()) return false;
  for (std::size_t i = 0; i < a.inputs.size(); ++i)
    if (a.inputs[i].dataset != b.inputs[i].dataset ||
        a.inputs[i].snapshot_id != b.inputs[i].snapshot_id ||
        a.inputs[i].schema_json != b.inputs[i].schema_json ||
        a.inputs[i].files != b.inputs[i].files)
      return false;
  return std::tie(a.attempt, a.ns, a.run_name, a.task_name, a.kind, a.body_json, a.parameters_json,
                  a.phase, a.publication_json, a.publication_order, a.installation) ==
         std::tie(b.attempt, b.ns, b.run_name, b.task_name, b.kind, b.body_json, b.parameters_json,
                  b.phase, b.publication_json, b.publication_order, b.installation);
}

TEST(Convert, references_and_resources_survive_the_wire) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const AttemptRef attempt = attempt_of(seed);
    EXPECT_EQ(*from_proto(to_proto(attempt)), attempt) << seed;
    const Resources resources{MilliCpu(static_cast<std::int64_t>(seed) * 250), mebibytes(1 << 20),
                              Bytes(0)};
    EXPECT_EQ(*from_proto(to_proto(resources)), resources);
  }
  EXPECT_EQ(to_wire(RawId{0x0102030405060708, 0x090A0B0C0D0E0F10}),
            "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10");
}

TEST(Convert, what_names_no_attempt_is_refused) {
  const auto good = to_proto(attempt_of(1));
  auto bad = good;
  bad.set_run_id("short");
  EXPECT_EQ(from_proto(bad).error().code, "protocol.invalid");
  bad = good;
  bad.set_run_id(std::string(16, '\0'));
  EXPECT_FALSE(from_proto(bad).ok());
  bad = good;
  bad.set_epoch(0);
  EXPECT_FALSE(from_proto(bad).ok());
  bad = good;
  bad.set_attempt(0);
  EXPECT_FALSE(from_proto(bad).ok());
}

TEST(Convert, commands_carry_what_the_worker_needs) {
  const AttemptRef attempt = attempt_of(4);
  const auto start = to_proto(commands::Start{attempt,
                                              {MilliCpu(500), mebibytes(64), Bytes(9)},
                                              "query",
                                              "default",
                                              Phase::kExecute,
                                              seconds(60),
                                              77},
                              kTerms)
                         .start();
  EXPECT_EQ(*from_proto(start.attempt()), attempt);
  EXPECT_EQ(start.grant().memory_bytes(), 64 << 20);
  EXPECT_EQ(start.lease_us(), 15'000'000);
  EXPECT_EQ(start.lease_from_monotonic_us(), 77);
  EXPECT_EQ(start.kind(), "query");
  EXPECT_EQ(start.namespace_(), "default");
  EXPECT_EQ(start.attempt_timeout_us(), 60'000'000);

  const auto ack =
      to_proto(commands::HeartbeatAck{42, {attempt}, {attempt_of(5)}}, kTerms).heartbeat_ack();
  EXPECT_EQ(ack.sent_monotonic_us(), 42);
  EXPECT_EQ(ack.lease_us(), 15'000'000);
  EXPECT_EQ(*from_proto(ack.renewed(0)), attempt);
  EXPECT_EQ(*from_proto(ack.fenced(0)), attempt_of(5));

  const auto cancel = to_proto(commands::Cancel{attempt, "run.cancelled"}, kTerms).cancel();
  EXPECT_EQ(cancel.reason(), "run.cancelled");
  EXPECT_EQ(cancel.grace_us(), 10'000'000);

  const auto result =
      to_proto(commands::ResultAck{attempt, false, "lease.fenced"}, kTerms).result_ack();
  EXPECT_FALSE(result.accepted());
  EXPECT_EQ(result.code(), "lease.fenced");
}

TEST(Convert, a_description_survives_its_pages) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    Description description{attempt_of(9),   "default", "run-1", "join", "query", "", "", {},
                            Phase::kPublish, "",        12};
    // Characters of one to four bytes: a page may not end within one.
    const auto text = [&](std::size_t size) {
      static const std::array<std::string, 4> kCharacters{"a", "é", "€", "😀"};
      std::string out;
      while (out.size() < size) out += kCharacters[random() % 4];
      return out;
    };
    description.body_json = text(random() % 2'000'000);
    description.parameters_json = text(random() % 1'000);
    description.publication_json = text(random() % 70'000);
    description.installation = text(random() % 30);
    for (int i = 0; i < 4; ++i) {
      DescribedInput input{
          "dataset" + std::to_string(i), i == 0 ? "" : "snapshot", text(random() % 400'000), {}};
      const std::size_t files = random() % 3'000;
      for (std::size_t f = 0; f < files; ++f)
        input.files.push_back({"p/" + std::to_string(f), static_cast<std::int64_t>(f), Bytes(12),
                               "xxh64:00", std::string(random() % 900, 's')});
      description.inputs.push_back(std::move(input));
    }
    const auto pages = to_pages(description);
    std::vector<DescriptionPage> received;
    for (const DescriptionPage& page : pages) {
      EXPECT_LE(page.ByteSizeLong(), kDescriptionPageBytes + (32 << 10)) << "round " << round;
      received.emplace_back();
      ASSERT_TRUE(received.back().ParseFromString(page.SerializeAsString())) << "round " << round;
    }
    EXPECT_TRUE(same(joined(received), description)) << "round " << round;
  }
}

TEST(Convert, a_hello_is_checked) {
  worker::v1alpha1::Hello hello;
  EXPECT_EQ(from_proto(hello).error().code, "protocol.invalid");
  hello.set_incarnation(to_wire(RawId{1, 2}));
  EXPECT_FALSE(from_proto(hello).ok()) << "no name";
  hello.set_worker_name("w1");
  hello.set_sent_monotonic_us(88);
  *hello.mutable_capacity() = to_proto(Resources{MilliCpu(2000), mebibytes(1024), mebibytes(10)});
  *hello.add_attempts() = to_proto(attempt_of(3));
  auto joined = from_proto(hello);
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ(joined->worker, WorkerId(RawId{1, 2}));
  EXPECT_EQ(joined->name, "w1");
  EXPECT_EQ(joined->sent_monotonic_us, 88);
  EXPECT_EQ(joined->attempts, std::vector{attempt_of(3)});
  EXPECT_TRUE(joined->ended_incarnation.is_nil());

  hello.set_ended_incarnation(to_wire(RawId{1, 1}));
  EXPECT_EQ(from_proto(hello)->ended_incarnation, WorkerId(RawId{1, 1}));
  hello.set_ended_incarnation(hello.incarnation());
  EXPECT_FALSE(from_proto(hello).ok()) << "says that it is itself ended";
  hello.clear_ended_incarnation();
  hello.mutable_capacity()->set_memory_bytes(-1);
  EXPECT_FALSE(from_proto(hello).ok());
}

TEST(Convert, a_path_belongs_to_its_attempt_alone) {
  const AttemptRef attempt = attempt_of(2);
  const std::string prefix = "default/" + attempt.run.to_text() + "/3/9";
  EXPECT_TRUE(is_path_of(prefix + "/part-0.parquet", attempt));
  EXPECT_TRUE(is_path_of(prefix + "/a/b", attempt));
  for (const std::string& bad :
       {prefix, prefix + "/", "/" + prefix + "/a", prefix + "/../a", prefix + "/./a",
        prefix + "//a", "default/" + attempt.run.to_text() + "/3/10/a",
        "default/" + attempt.run.to_text() + "/4/9/a",
        "default/" + attempt_of(1).run.to_text() + "/3/9/a", std::string(), std::string("/"),
        prefix + std::string("/a\0b", 4)})
    EXPECT_FALSE(is_path_of(bad, attempt)) << bad;
}

TEST(Convert, a_failure_keeps_class_code_and_words) {
  task::v1alpha1::Failure failure;
  failure.set_error_class("User");
  failure.set_code("sql.unknown_column");
  failure.set_message("no column \"x\"");
  failure.set_hint("did you mean \"y\"?");
  failure.set_path("query.sql");
  failure.set_exit_code(3);
  task::v1alpha1::Usage usage;
  usage.set_cpu_us(5);
  usage.set_rows_read(-1);
  const AttemptFailed input = from_proto(failure, usage, WorkerId(RawId{1, 1}), attempt_of(1));
  EXPECT_EQ(input.failure, (Failure{ErrorClass::kUser, "sql.unknown_column",
                                    "at query.sql: no column \"x\" (did you mean \"y\"?)", 3}));
  EXPECT_EQ(input.attachment->usage.cpu, Micros(5));
  EXPECT_EQ(input.attachment->usage.rows_read, 0);

  failure.set_error_class("Lunar");
  failure.set_code("");
  failure.set_message(std::string(10'000, 'm'));
  const AttemptFailed odd = from_proto(failure, usage, WorkerId(RawId{1, 1}), attempt_of(1));
  EXPECT_EQ(odd.failure.error_class, ErrorClass::kInfrastructure);
  EXPECT_EQ(odd.failure.code, "worker.unnamed_failure");
  EXPECT_EQ(odd.failure.message.size(), kMaxMessageBytes);
}

}  // namespace
}  // namespace millrace::scheduler
