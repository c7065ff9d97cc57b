#include "scheduler/main/metrics.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <string>

namespace millrace::scheduler {
namespace {

class MetricsTest : public ::testing::Test {
 protected:
  // The value of a line of the exposition; "" when there is no such line.
  std::string value(const std::string& series) const {
    const std::string text = prometheus::TextSerializer().Serialize(registry_.Collect());
    const auto at = text.find("\n" + series + " ");
    if (at == std::string::npos) return "";
    const auto begin = at + series.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  std::string type(const std::string& name) const {
    const std::string text = prometheus::TextSerializer().Serialize(registry_.Collect());
    const std::string start = "# TYPE " + name + " ";
    const auto at = text.find(start);
    if (at == std::string::npos) return "";
    return text.substr(at + start.size(), text.find('\n', at) - at - start.size());
  }

  prometheus::Registry registry_;
  Metrics metrics_{registry_};
};

// A rate of a series that begins with its first event is nothing at that event.
TEST_F(MetricsTest, reasons_worth_an_alert_are_there_before_they_happen) {
  for (const char* reason : {"lease.expired", "lease.fenced", "attempt.failed", "admission.full"}) {
    const std::string series = "millrace_decisions_total{reason=\"" + std::string(reason) + "\"}";
    EXPECT_EQ(value(series), "0") << reason;
    metrics_.counted(reason, 2);
    EXPECT_EQ(value(series), "2") << reason;
  }
}

TEST_F(MetricsTest, every_commit_is_in_the_histogram) {
  metrics_.committed(milliseconds(3));
  metrics_.committed(milliseconds(700));
  EXPECT_EQ(type("millrace_store_commit_seconds"), "histogram");
  EXPECT_EQ(value("millrace_store_commit_seconds_count"), "2");
  EXPECT_EQ(value("millrace_store_commit_seconds_bucket{le=\"0.005\"}"), "1");
  EXPECT_EQ(value("millrace_store_commit_seconds_bucket{le=\"1\"}"), "2");
}

TEST_F(MetricsTest, lost_connections_are_counted) {
  StoreHealth health;
  for (const std::uint64_t lost : {0U, 2U, 2U, 3U}) {
    health.lost_connections = lost;
    metrics_.store(health);
    EXPECT_EQ(value("millrace_store_lost_connections_total"), std::to_string(lost));
  }
  EXPECT_EQ(type("millrace_store_lost_connections_total"), "counter");
}

}  // namespace
}  // namespace millrace::scheduler
