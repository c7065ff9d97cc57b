// ApiTest: a started Host with a workflow to put and runs to start, and a reader of event streams.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "lib/http/testing/raw_client.h"
#include "scheduler/api/testing/host.h"

namespace millrace::api {

using Json = nlohmann::json;
using http::RawResponse;

inline constexpr const char* kFlights = R"(apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: flights}
spec:
  parameters:
  - {name: min_flights, integer: {default: 100, minimum: 1}}
  tasks:
  - name: load
    ingest: {from: {url: "file:///data/flights.csv", csv: {}}, into: {dataset: flights}}
  - name: delays
    query: {sql: "SELECT * FROM flights WHERE n >= $min_flights", into: {dataset: delays}}
  - name: out
    deliver: {dataset: delays, to: {objectStore: {url: "file:///out", csv: {}}}}
)";

inline constexpr const char* kNamespace = "/v1/namespaces/default";
inline const std::string kWorkflow = std::string(kNamespace) + "/workflows/flights";
inline const std::string kRuns = std::string(kNamespace) + "/runs";
inline const std::string kYaml = "Content-Type: application/yaml\r\n";
inline const std::string kJson = "Content-Type: application/json\r\n";

inline Json body_of(const RawResponse& response) {
  const Json json = Json::parse(response.body, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << response.status << " " << response.body;
  return json;
}

// The text of the stream's next event; empty at its end.
struct Event {
  std::string id;
  std::string type;
  Json data;
};

class EventReader {
 public:
  EventReader(const Host& host, const std::string& target, const std::string& headers = {})
      : client_(host.port()) {
    client_.send(http::raw_request("GET", target, Host::authorization() + headers));
    status_ = client_.read_head()->status;
  }
  int status() const { return status_; }
  // Pings are passed over. At the end an event of type "".
  Event next() {
    while (true) {
      const std::string text = take_frame();
      if (text.empty()) return {};
      if (text.starts_with(':')) continue;
      Event event;
      std::size_t start = 0;
      while (start < text.size()) {
        const auto end = text.find('\n', start);
        const std::string line = text.substr(start, end - start);
        if (line.starts_with("id: ")) event.id = line.substr(4);
        if (line.starts_with("event: ")) event.type = line.substr(7);
        if (line.starts_with("data: ")) event.data = Json::parse(line.substr(6), nullptr, false);
        start = end + 1;
      }
      return event;
    }
  }
  // Whether the stream broke off, instead of ending.
  bool broken() { return next().type.empty() && client_.ended(); }
  // The next event that is no progress.
  Event next_event() {
    while (true) {
      Event event = next();
      if (event.type != "progress") return event;
    }
  }

 private:
  std::string take_frame() {
    while (true) {
      const auto end = buffer_.find("\n\n");
      if (end != std::string::npos) {
        std::string frame = buffer_.substr(0, end + 1);
        buffer_.erase(0, end + 2);
        return frame;
      }
      const std::string size = client_.read_until("\r\n");
      const auto length = std::strtoull(size.c_str(), nullptr, 16);
      if (length == 0) return {};
      std::string chunk;
      while (chunk.size() < length + 2) {
        const std::string more = client_.read_until("\n");
        if (more.empty()) return {};
        chunk += more;
      }
      buffer_ += chunk.substr(0, length);
    }
  }

  http::RawClient client_;
  int status_ = 0;
  std::string buffer_;
};

// Until so many watch who have been told all there is, and are told as things happen.
inline void wait_watched(Host& host, std::size_t wanted = 1) {
  for (std::size_t watchers = 0; watchers < wanted;)
    host.on_loop([&] { watchers = host.watchers(); });
}

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override { host_.start(); }
  void TearDown() override { host_.stop(); }

  void put_flights() {
    const RawResponse put = host_.send("PUT", kWorkflow, kFlights, kYaml);
    ASSERT_EQ(put.status, 201) << put.body;
  }
  std::string start_run(const std::string& body = R"({"workflow":"flights"})") {
    const RawResponse started = host_.send("POST", kRuns, body, kJson);
    EXPECT_EQ(started.status, 201) << started.body;
    return body_of(started)["metadata"]["name"];
  }
  std::string run_of(const std::string& name) const { return kRuns + "/" + name; }
  [[nodiscard]] RawResponse patch(const std::string& run, const std::string& state,
                                  const std::string& headers = {}) const {
    return host_.send("PATCH", run_of(run), R"({"desiredState":")" + state + "\"}",
                      "Content-Type: application/merge-patch+json\r\n" + headers);
  }
  // Until the run's events say it: as it stands, or as it comes to be. A test fails when they
  // break off before.
  void wait_event(const std::string& run, const std::function<bool(const Event&)>& wanted) const {
    EventReader events(host_, run_of(run) + "/events");
    while (true) {
      const Event event = events.next_event();
      if (!event.type.empty() && wanted(event)) return;
      ASSERT_NE(event.type, "") << "the events of " << run << " broke off";
    }
  }
  void wait_end(const std::string& run) const {
    wait_event(run, [](const Event& event) { return event.type == "end"; });
  }
  // To the end, with the worker's help.
  std::string finish_run() {
    put_flights();
    host_.join_worker();
    const std::string name = start_run();
    host_.succeed("load", {{"flights", 3}});
    host_.succeed("delays", {{"delays", 2}});
    host_.succeed("out", {}, true);
    host_.succeed("out");
    wait_end(name);
    return name;
  }

  Host host_{Api::Options{.token = "", .progress_interval = milliseconds(20)}};
};

}  // namespace millrace::api
