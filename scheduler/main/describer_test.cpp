#include "scheduler/main/describer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "scheduler/api/testing/memory_reads.h"

namespace millrace::scheduler {
namespace {

constexpr const char* kDocument = R"({"spec":{"tasks":[
  {"command":{"argv":["true"]},"name":"plain"},
  {"command":{"argv":["echo","${{parameters.word}}"]},"name":"given"},
  {"command":{"argv":["echo","${{tasks.plain.outputs.kept}}"]},"name":"follows"}]}})";
constexpr const char* kParameters = R"({"word":"hello"})";

class FakeAttempts final : public AttemptReads {
 public:
  Result<std::map<std::uint32_t, std::string>> outputs(RunId) override {
    ++asked;
    return std::map<std::uint32_t, std::string>{{0, R"({"kept":12})"}};
  }
  Result<StagedPublication> publication(const TaskRef&) override {
    return StagedPublication{"{}", "here"};
  }
  Result<SnapshotContent> content(const NamespacedName&, SnapshotId) override {
    return SnapshotContent{};
  }
  int asked = 0;
};

class DescriberTest : public ::testing::Test {
 protected:
  DescriberTest() {
    auto spec = std::make_shared<WorkflowSpec>();
    for (const char* name : {"plain", "given", "follows"}) {
      spec->tasks.emplace_back();
      spec->tasks.back().name = name;
    }
    spec_ = spec;
    store(kDocument);
    store(kParameters);
  }

  void store(const std::string& text) {
    auto attachment = std::make_shared<Attachment>();
    attachment->bodies.push_back({api::hash_of_body(text), text});
    Batch batch;
    batch.attachments.push_back({0, std::move(attachment)});
    reads_.committed(batch);
  }

  HeldAttempt held(std::uint32_t task) const {
    HeldAttempt held;
    held.attempt = {RunId(RawId{1, 2}), TaskIndex(task), AttemptNumber(1), Epoch(7)};
    held.spec = spec_;
    held.body_hash = api::hash_of_body(kDocument);
    held.parameters_hash = api::hash_of_body(kParameters);
    return held;
  }

  std::string body_of(std::uint32_t task) {
    const auto description = describer_.describe(held(task));
    return description.ok() ? description->body_json : description.error().to_text();
  }

  api::MemoryReads reads_;
  FakeAttempts attempts_;
  WorkflowSpecRef spec_;
  Describer describer_{reads_, attempts_};
};

TEST_F(DescriberTest, a_task_is_its_part_of_the_document_with_its_references_filled_in) {
  EXPECT_EQ(body_of(0), R"({"command":{"argv":["true"]},"name":"plain"})");
  EXPECT_EQ(body_of(1), R"({"command":{"argv":["echo","hello"]},"name":"given"})");
  EXPECT_EQ(body_of(2), R"({"command":{"argv":["echo",12]},"name":"follows"})")
      << "a lone hole keeps its type";
}

TEST_F(DescriberTest,
       asks_the_store_once_for_a_document_and_for_outputs_only_where_they_are_named) {
  for (int i = 0; i < 3; ++i) {
    body_of(0);
    body_of(1);
  }
  EXPECT_EQ(reads_.body_reads(), 2) << "the document and the parameters";
  EXPECT_EQ(attempts_.asked, 0);
  body_of(2);
  body_of(2);
  EXPECT_EQ(attempts_.asked, 2) << "outputs are not for ever: tasks go on ending";
}

TEST_F(DescriberTest, has_at_hand_what_is_in_memory_and_needs_nothing_filled_in) {
  EXPECT_FALSE(describer_.at_hand(held(0)).has_value()) << "nothing was read yet";
  const auto described = describer_.describe(held(0));
  ASSERT_TRUE(described.ok());
  const auto at_hand = describer_.at_hand(held(0));
  ASSERT_TRUE(at_hand.has_value());
  EXPECT_EQ(at_hand->body_json, described->body_json);
  EXPECT_EQ(at_hand->parameters_json, described->parameters_json);
  EXPECT_EQ(at_hand->attempt, described->attempt);
  EXPECT_FALSE(describer_.at_hand(held(1)).has_value()) << "it names a parameter";
}

TEST_F(DescriberTest, leaves_to_the_store_what_only_the_store_has) {
  ASSERT_TRUE(describer_.describe(held(0)).ok());
  HeldAttempt reads = held(0);
  reads.inputs.push_back({"flights", SnapshotId(RawId{1, 1})});
  EXPECT_FALSE(describer_.at_hand(reads).has_value());
  HeldAttempt publishes = held(0);
  publishes.phase = Phase::kPublish;
  EXPECT_FALSE(describer_.at_hand(publishes).has_value());
}

TEST_F(DescriberTest, says_what_is_broken) {
  HeldAttempt beyond = held(3);
  EXPECT_EQ(describer_.describe(beyond).error().code, "describe.broken");
  EXPECT_FALSE(describer_.at_hand(beyond).has_value());
  HeldAttempt lost = held(0);
  lost.body_hash = api::hash_of_body("nobody's");
  EXPECT_EQ(describer_.describe(lost).error().code, "body.lost");
}

}  // namespace
}  // namespace millrace::scheduler
