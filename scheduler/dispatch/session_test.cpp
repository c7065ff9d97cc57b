#include "scheduler/dispatch/session.h"

#include <gtest/gtest.h>

#include "lib/ipc/files_checksum.h"
#include "scheduler/dispatch/convert.h"

namespace millrace::scheduler {
namespace {

using worker::v1alpha1::WorkerMessage;

const WorkerId kWorker(RawId{5, 6});
const AttemptRef kAttempt{RunId(RawId{1, 2}), TaskIndex(0), AttemptNumber(1), Epoch(7)};

WorkerMessage hello() {
  WorkerMessage message;
  message.mutable_hello()->set_protocol(1);
  message.mutable_hello()->set_worker_name("w1");
  message.mutable_hello()->set_incarnation(to_wire(kWorker.raw()));
  return message;
}

// A result of `files` files with 10 rows each, in pages of two.
struct SentResult {
  std::vector<WorkerMessage> pages;
  WorkerMessage success;
};
SentResult result_of(std::uint32_t files) {
  SentResult sent;
  ipc::FilesChecksum checksum;
  for (std::uint32_t i = 0; i < files; ++i) {
    if (i % 2 == 0) sent.pages.emplace_back();
    auto& page = *sent.pages.back().mutable_file_page();
    *page.mutable_attempt() = to_proto(kAttempt);
    auto& row = *page.mutable_page()->add_files();
    row.set_path("default/" + kAttempt.run.to_text() + "/0/7/part-" + std::to_string(i));
    row.set_rows(10);
    row.set_checksum("xxh64:" + std::to_string(i));
    checksum.add(row.path(), row.checksum());
  }
  auto& succeeded = *sent.success.mutable_succeeded();
  *succeeded.mutable_attempt() = to_proto(kAttempt);
  auto& write = *succeeded.mutable_success()->add_writes();
  write.set_dataset("flights");
  write.set_schema_json("{}");
  write.set_rows(10 * files);
  write.set_file_count(files);
  succeeded.mutable_success()->set_file_count(files);
  succeeded.mutable_success()->set_files_checksum(checksum.text());
  return sent;
}

class Session : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(session_.receive(hello()).ok()); }
  Input input_of(const WorkerMessage& message) {
    auto received = session_.receive(message);
    EXPECT_TRUE(received.ok());
    EXPECT_TRUE(received->input.has_value());
    return std::move(*received->input);
  }
  void send(const std::vector<WorkerMessage>& pages) {
    for (const auto& page : pages) {
      const auto received = session_.receive(page);
      ASSERT_TRUE(received.ok());
      ASSERT_FALSE(received->input.has_value());
    }
  }
  std::string failure_code(const WorkerMessage& message) {
    const Input input = input_of(message);
    const auto* failed = std::get_if<AttemptFailed>(&input);
    return failed == nullptr ? "" : failed->failure.code;
  }
  WorkerSession session_{ResultLimits{.max_files = 10, .max_attempts = 3}};
};

TEST(SessionHello, comes_first_and_once) {
  WorkerSession session{ResultLimits{}};
  WorkerMessage heartbeat;
  heartbeat.mutable_heartbeat();
  EXPECT_EQ(session.receive(heartbeat).error().code, "protocol.hello_expected");
  ASSERT_TRUE(session.receive(hello()).ok());
  EXPECT_EQ(session.worker(), kWorker);
  EXPECT_EQ(session.receive(hello()).error().code, "protocol.hello_expected");
}

TEST(SessionHello, of_another_protocol_is_refused) {
  WorkerSession session{ResultLimits{}};
  auto message = hello();
  message.mutable_hello()->set_protocol(2);
  EXPECT_EQ(session.receive(message).error().code, "protocol.unsupported");
}

TEST_F(Session, an_unknown_message_is_skipped) {
  const auto received = session_.receive(WorkerMessage());
  ASSERT_TRUE(received.ok());
  EXPECT_FALSE(received->input.has_value());
}

TEST_F(Session, a_heartbeat_tells_engine_and_observers) {
  WorkerMessage message;
  auto& heartbeat = *message.mutable_heartbeat();
  heartbeat.set_sent_monotonic_us(99);
  heartbeat.set_draining(true);
  auto& status = *heartbeat.add_attempts();
  *status.mutable_attempt() = to_proto(kAttempt);
  status.mutable_usage()->set_memory_peak_bytes(123);
  status.mutable_progress()->set_fraction(0.5);
  const auto received = session_.receive(message);
  ASSERT_TRUE(received.ok());
  const auto& input = std::get<WorkerHeartbeat>(*received->input);
  EXPECT_EQ(input.worker, kWorker);
  EXPECT_EQ(input.sent_monotonic_us, 99);
  EXPECT_TRUE(input.draining);
  EXPECT_EQ(input.attempts, std::vector{kAttempt});
  ASSERT_TRUE(received->progress.has_value());
  const AttemptProgress& progress = received->progress->at(0);
  EXPECT_EQ(progress.usage.memory_peak, Bytes(123));
  EXPECT_EQ(progress.fraction, 0.5);
}

TEST_F(Session, a_result_is_put_together_from_its_pages) {
  const SentResult sent = result_of(5);
  for (int round = 0; round < 2; ++round) {  // the second time as after a lost acknowledgement
    send(sent.pages);
    const Input input = input_of(sent.success);
    const auto& succeeded = std::get<AttemptSucceeded>(input);
    ASSERT_EQ(succeeded.writes.size(), 1U);
    EXPECT_EQ(succeeded.writes[0].rows, 50);
    ASSERT_EQ(succeeded.attachment->writes.size(), 1U);
    EXPECT_EQ(succeeded.attachment->writes[0].files.size(), 5U);
    EXPECT_EQ(succeeded.attachment->writes[0].files[4].checksum, "xxh64:4");
    EXPECT_EQ(succeeded.attachment->writes[0].schema_hash, succeeded.writes[0].schema_hash);
  }
}

TEST_F(Session, a_lost_page_fails_the_attempt) {
  SentResult sent = result_of(5);
  sent.pages.erase(sent.pages.begin());
  send(sent.pages);
  EXPECT_EQ(failure_code(sent.success), "result.incomplete");
}

TEST_F(Session, a_changed_row_fails_the_attempt) {
  SentResult sent = result_of(5);
  sent.pages[1].mutable_file_page()->mutable_page()->mutable_files(0)->set_checksum("xxh64:other");
  send(sent.pages);
  EXPECT_EQ(failure_code(sent.success), "result.incomplete");
}

TEST_F(Session, counts_of_rows_and_files_have_to_agree) {
  SentResult sent = result_of(2);
  sent.success.mutable_succeeded()->mutable_success()->mutable_writes(0)->set_rows(21);
  send(sent.pages);
  EXPECT_EQ(failure_code(sent.success), "result.incomplete");
}

TEST_F(Session, a_file_elsewhere_fails_the_attempt) {
  SentResult sent = result_of(1);
  auto& row = *sent.pages[0].mutable_file_page()->mutable_page()->mutable_files(0);
  row.set_path("default/../etc/passwd");
  ipc::FilesChecksum checksum;
  checksum.add(row.path(), row.checksum());
  sent.success.mutable_succeeded()->mutable_success()->set_files_checksum(checksum.text());
  send(sent.pages);
  EXPECT_EQ(failure_code(sent.success), "result.invalid");
}

TEST_F(Session, a_file_of_no_write_fails_the_attempt) {
  SentResult sent = result_of(1);
  sent.pages[0].mutable_file_page()->mutable_page()->set_write_index(1);
  send(sent.pages);
  EXPECT_EQ(failure_code(sent.success), "result.invalid");
}

TEST_F(Session, too_many_files_fail_the_attempt_and_hold_no_memory) {
  const SentResult sent = result_of(12);
  send(sent.pages);
  EXPECT_EQ(failure_code(sent.success), "result.too_large");
  const SentResult fitting = result_of(10);
  send(fitting.pages);
  EXPECT_EQ(failure_code(fitting.success), "") << "the limit was forgotten with its attempt";
}

TEST(Pages, are_bounded_in_attempts_and_bytes) {
  ResultPages pages(ResultLimits{.max_files = 100, .max_bytes = Bytes(1'000), .max_attempts = 2});
  const auto row = [](std::size_t size) {
    return std::vector<PagedRow>{{0, {std::string(size, 'p'), 0, Bytes(0), "", ""}}};
  };
  const auto attempt = [](std::uint64_t epoch) {
    AttemptRef ref = kAttempt;
    ref.epoch = Epoch(epoch);
    return ref;
  };
  pages.add(attempt(1), row(400));
  pages.add(attempt(2), row(700));  // does not fit beside the first
  pages.add(attempt(3), row(1));    // one attempt too many
  EXPECT_LE(pages.held(), Bytes(1'000));
  EXPECT_EQ(pages.take(attempt(2), 1, "").error().code, "result.too_large");
  EXPECT_EQ(pages.take(attempt(3), 1, "").error().code, "result.incomplete");
  pages.forget(attempt(1));
  EXPECT_EQ(pages.held(), Bytes(0));
}

}  // namespace
}  // namespace millrace::scheduler
