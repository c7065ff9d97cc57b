// The whole api over real sockets and the real engine.
#include "scheduler/api/api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "scheduler/api/testing/host.h"

namespace millrace::api {
namespace {

using Json = nlohmann::json;
using http::RawResponse;

constexpr const char* kFlights = R"(apiVersion: millrace.io/v1alpha1
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

constexpr const char* kNamespace = "/v1/namespaces/default";
const std::string kWorkflow = std::string(kNamespace) + "/workflows/flights";
const std::string kRuns = std::string(kNamespace) + "/runs";
const std::string kYaml = "Content-Type: application/yaml\r\n";
const std::string kJson = "Content-Type: application/json\r\n";

Json body_of(const RawResponse& response) {
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
  // To the end, with the worker's help.
  std::string finish_run() {
    put_flights();
    host_.join_worker();
    const std::string name = start_run();
    EventReader events(host_, run_of(name) + "/events");
    host_.succeed("load", {{"flights", 3}});
    host_.succeed("delays", {{"delays", 2}});
    host_.succeed("out", {}, true);
    host_.succeed("out");
    while (events.next_event().type != "end") {
    }
    return name;
  }

  Host host_;
};

TEST_F(ApiTest, answers_without_a_token_only_what_is_harmless) {
  for (const char* open : {"/healthz", "/readyz", "/metrics", "/v1/version", "/v1/openapi.json"})
    EXPECT_EQ(http::fetch(host_.port(), "GET", open).status, 200) << open;
  for (const std::string& closed : {kRuns, kWorkflow, std::string("/v1/nothing")}) {
    const RawResponse refused = http::fetch(host_.port(), "GET", closed);
    EXPECT_EQ(refused.status, 401) << closed;
    EXPECT_EQ(refused.headers.at("www-authenticate"), "Bearer realm=\"millrace\"");
    EXPECT_EQ(body_of(refused)["code"], "auth.required");
  }
  EXPECT_EQ(http::fetch(host_.port(), "GET", kRuns, "Authorization: Bearer wrong\r\n").status, 401);
  EXPECT_EQ(host_.get(kRuns).status, 200);
}

// The document tells of every route and of no other, so neither is forgotten when the other
// changes.
TEST_F(ApiTest, the_openapi_document_has_every_route) {
  const Json document = body_of(http::fetch(host_.port(), "GET", "/v1/openapi.json"));
  std::set<std::string> told;
  for (const auto& [path, operations] : document["paths"].items())
    for (const auto& [method, operation] : operations.items())
      if (method != "parameters") told.insert(method + " " + path);
  std::set<std::string> served;
  const http::Router router = host_.api().router();
  for (const http::Route& route : router.routes()) {
    std::string method = route.method;
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    served.insert(method + " " + route.pattern);
  }
  EXPECT_EQ(told, served);
}

TEST_F(ApiTest, counts_requests_by_route) {
  host_.get(kRuns);
  host_.get("/v1/made/up");
  const std::string metrics = http::fetch(host_.port(), "GET", "/metrics").body;
  EXPECT_NE(metrics.find("millrace_http_requests_total{method=\"GET\",route=\"/v1/namespaces/{ns}/"
                         "runs\",status=\"200\"} 1"),
            std::string::npos)
      << metrics;
  EXPECT_EQ(metrics.find("made"), std::string::npos) << "clients must not make series";
}

// --- workflows
// --------------------------------------------------------------------------------------------

TEST_F(ApiTest, a_workflow_is_put_read_listed_changed_and_deleted) {
  put_flights();
  const RawResponse read = host_.get(kWorkflow);
  ASSERT_EQ(read.status, 200);
  EXPECT_EQ(read.headers.at("etag"), "\"1\"");
  const Json json = body_of(read);
  EXPECT_EQ(json["kind"], "Workflow");
  EXPECT_EQ(json["metadata"]["namespace"], "default");
  EXPECT_EQ(json["metadata"]["generation"], 1);
  EXPECT_EQ(json["spec"]["tasks"][0]["name"], "load");
  EXPECT_EQ(host_.get(kWorkflow, "If-None-Match: \"1\"\r\n").status, 304);

  const RawResponse again = host_.send("PUT", kWorkflow, kFlights, kYaml);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.headers.at("etag"), "\"1\"") << "nothing changed";

  std::string changed = kFlights;
  changed.replace(changed.find("default: 100"), 12, "default: 200");
  const RawResponse update = host_.send("PUT", kWorkflow, changed, kYaml);
  EXPECT_EQ(update.status, 200);
  EXPECT_EQ(update.headers.at("etag"), "\"2\"");
  // The JSON that GET gave can be put as it is.
  Json back = json;
  back["metadata"] = {{"name", "flights"}};
  EXPECT_EQ(host_.send("PUT", kWorkflow, back.dump(), kJson).headers.at("etag"), "\"3\"");

  const Json list = body_of(host_.get(std::string(kNamespace) + "/workflows"));
  ASSERT_EQ(list["items"].size(), 1u);
  EXPECT_EQ(list["items"][0]["metadata"]["generation"], 3);
  EXPECT_TRUE(list.contains("asOf"));

  EXPECT_EQ(host_.send("DELETE", kWorkflow).status, 204);
  EXPECT_EQ(host_.get(kWorkflow).status, 404);
  EXPECT_EQ(host_.send("DELETE", kWorkflow).status, 404);
}

TEST_F(ApiTest, preconditions_hold_or_nothing_changes) {
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: \"1\"\r\n").status, 412);
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: *\r\n").status, 412);
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-None-Match: *\r\n").status, 201);
  const RawResponse second = host_.send("PUT", kWorkflow, kFlights, kYaml + "If-None-Match: *\r\n");
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(body_of(second)["code"], "document.conflict");
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: \"1\"\r\n").status, 200);
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: *\r\n").status, 200);
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: what\r\n").status, 412);
  EXPECT_EQ(host_.send("DELETE", kWorkflow, "", "If-Match: \"7\"\r\n").status, 412);
  EXPECT_EQ(host_.get(kWorkflow).status, 200);
}

TEST_F(ApiTest, dry_run_tells_and_changes_nothing) {
  const RawResponse create = host_.send("PUT", kWorkflow + "?dryRun=All", kFlights, kYaml);
  ASSERT_EQ(create.status, 200) << create.body;
  const Json plan = body_of(create)["plan"];
  EXPECT_EQ(plan["change"], "Create");
  EXPECT_EQ(plan["tasks"][1]["needs"], Json({"load"}));
  EXPECT_EQ(plan["tasks"][0]["writes"], Json({"flights", "flights_quarantine"}));
  EXPECT_EQ(host_.get(kWorkflow).status, 404);
  put_flights();
  EXPECT_EQ(
      body_of(host_.send("PUT", kWorkflow + "?dryRun=All", kFlights, kYaml))["plan"]["change"],
      "None");
  std::string changed = kFlights;
  changed.replace(changed.find("default: 100"), 12, "default: 200");
  const Json update = body_of(host_.send("PUT", kWorkflow + "?dryRun=All", changed, kYaml));
  EXPECT_EQ(update["plan"]["change"], "Update");
  EXPECT_EQ(update["plan"]["before"]["metadata"]["generation"], 1);
  EXPECT_EQ(host_.send("PUT", kWorkflow + "?dryRun=Server", kFlights, kYaml).status, 400);
}

TEST_F(ApiTest, a_wrong_workflow_is_refused_with_all_its_problems) {
  std::string text = kFlights;
  text.replace(text.find("sql:"), 4, "sqll:");
  const RawResponse refused = host_.send("PUT", kWorkflow, text, kYaml);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.headers.at("content-type"), "application/problem+json");
  const Json problem = body_of(refused);
  EXPECT_EQ(problem["type"], "https://millrace.io/e/manifest.invalid");
  EXPECT_EQ(problem["class"], "User");
  EXPECT_EQ(problem["errors"][0]["code"], "field.unknown");
  EXPECT_EQ(problem["errors"][0]["pointer"], "/spec/tasks/1/query/sqll");
  EXPECT_EQ(problem["errors"][0]["line"], 11);
  EXPECT_EQ(problem["errors"][0]["hint"], "did you mean sql?");
  EXPECT_EQ(host_.get(kWorkflow).status, 404);
}

TEST_F(ApiTest, a_dataset_that_nobody_writes_is_unknown) {
  std::string text = kFlights;
  text.replace(text.find("FROM flights"), 12, "FROM flight ");
  const RawResponse refused = host_.send("PUT", kWorkflow, text, kYaml);
  ASSERT_EQ(refused.status, 422) << refused.body;
  const Json error = body_of(refused)["errors"][0];
  EXPECT_EQ(error["code"], "dataset.unknown");
  EXPECT_EQ(error["hint"], "did you mean flights?");
  EXPECT_EQ(error["line"], 11);
}

TEST_F(ApiTest, what_another_workflow_writes_is_known) {
  const std::string reader =
      R"({"apiVersion":"millrace.io/v1alpha1","kind":"Workflow","metadata":{"name":"reader"},
    "spec":{"tasks":[{"name":"read","query":{"sql":"SELECT * FROM delays","into":{"dataset":"copy"}}}]}})";
  const std::string target = std::string(kNamespace) + "/workflows/reader";
  EXPECT_EQ(host_.send("PUT", target, reader, kJson).status, 422);
  put_flights();
  EXPECT_EQ(host_.send("PUT", target, reader, kJson).status, 201);
  // To start it before there is anything to read is another matter.
  const RawResponse started = host_.send("POST", kRuns, R"({"workflow":"reader"})", kJson);
  EXPECT_EQ(started.status, 422);
  EXPECT_EQ(body_of(started)["code"], "dataset.unknown");
}

TEST_F(ApiTest, bodies_are_what_they_say_they_are) {
  struct Case {
    const char* what;
    std::string body;
    std::string headers;
    int status;
  };
  const std::string json = R"({"workflow":"flights","workflow":"other"})";
  for (const Case& c :
       {Case{"type", kFlights, "Content-Type: application/xml\r\n", 415},
        Case{"yaml as json", kFlights, kJson, 422}, Case{"empty", "", kYaml, 422},
        Case{"two", std::string(kFlights) + "---\n" + kFlights, kYaml, 422},
        Case{"bytes", "\xff\xfe\x00", kYaml, 422}, Case{"no type", kFlights, "", 201}}) {
    const RawResponse response = host_.send("PUT", kWorkflow, c.body, c.headers);
    EXPECT_EQ(response.status, c.status) << c.what << " " << response.body;
  }
  for (const Case& c :
       {Case{"doubled", json, kJson, 400}, Case{"list", "[]", kJson, 400},
        Case{"deep", std::string(100, '[') + std::string(100, ']'), kJson, 400},
        Case{"cut", R"({"workflow":)", kJson, 400}, Case{"yaml", "a: b", kYaml, 422},
        Case{"unknown field", R"({"workflow":"flights","x":1})", kJson, 422},
        Case{"nothing", "{}", kJson, 422}}) {
    const RawResponse response = host_.send("POST", kRuns, c.body, c.headers);
    EXPECT_EQ(response.status, c.status) << c.what << " " << response.body;
  }
  EXPECT_EQ(host_.send("PUT", kWorkflow, std::string(3 << 20, 'x'), kYaml).status, 413);
}

// --- runs
// -------------------------------------------------------------------------------------------------

TEST_F(ApiTest, a_run_goes_from_start_to_end) {
  put_flights();
  const std::string name = start_run(R"({"workflow":"flights","parameters":{"min_flights":5}})");
  Json run = body_of(host_.get(run_of(name)));
  EXPECT_EQ(run["kind"], "WorkflowRun");
  EXPECT_EQ(run["spec"]["parameters"], Json::parse(R"([{"name":"min_flights","value":5}])"));
  EXPECT_EQ(run["status"]["phase"], "Waiting");
  EXPECT_EQ(run["status"]["done"], "0/3");
  const std::string id = run["status"]["runId"];
  EXPECT_EQ(body_of(host_.get(run_of(id)))["metadata"]["name"], name) << "found by its id, too";

  host_.join_worker();
  host_.wait_start("load");
  run = body_of(host_.get(run_of(name)));
  EXPECT_EQ(run["status"]["phase"], "Running");
  EXPECT_EQ(run["status"]["tasks"]["running"], 1);
  host_.succeed("load", {{"flights", 3}, {"flights_quarantine", 1}});
  host_.succeed("delays", {{"delays", 2}});
  host_.succeed("out", {}, true);
  EventReader events(host_, run_of(name) + "/events");
  host_.succeed("out");
  while (events.next_event().type != "end") {
  }
  run = body_of(host_.get(run_of(name)));
  EXPECT_EQ(run["status"]["phase"], "Succeeded");
  EXPECT_EQ(run["status"]["done"], "3/3");
  EXPECT_EQ(run["status"]["conditions"].back()["type"], "Finished");
  EXPECT_EQ(run["status"]["conditions"].back()["status"], "True");
  EXPECT_EQ(body_of(host_.get(run_of(id)))["metadata"]["name"], name);

  const Json tasks = body_of(host_.get(run_of(name) + "/tasks"));
  ASSERT_EQ(tasks["items"].size(), 3u);
  EXPECT_EQ(tasks["items"][1]["name"], "delays");
  EXPECT_EQ(tasks["items"][1]["state"], "Succeeded");
  const Json attempts = body_of(host_.get(run_of(name) + "/tasks/out/attempts"));
  ASSERT_EQ(attempts["items"].size(), 2u);
  EXPECT_EQ(attempts["items"][1]["phase"], "Publish");
  EXPECT_EQ(host_.get(run_of(name) + "/tasks/load/explanation").status, 200);

  const Json datasets = body_of(host_.get(std::string(kNamespace) + "/datasets"));
  ASSERT_EQ(datasets["items"].size(), 3u);
  const Json flights = body_of(host_.get(std::string(kNamespace) + "/datasets/flights"));
  EXPECT_EQ(flights["status"]["rows"], 3);
  EXPECT_EQ(flights["status"]["schema"]["columns"][0]["name"], "a");
  const Json snapshots =
      body_of(host_.get(std::string(kNamespace) + "/datasets/flights/snapshots"));
  EXPECT_EQ(snapshots["items"][0]["task"], "load");
  EXPECT_EQ(snapshots["items"][0]["run"], name);
}

TEST_F(ApiTest, parameters_are_held_against_the_workflow) {
  put_flights();
  struct Case {
    const char* parameters;
    const char* code;
    const char* pointer;
  };
  for (const Case& c :
       {Case{R"({"min_flights":"many"})", "value.type", "/parameters/min_flights"},
        Case{R"({"min_flights":0})", "value.range", "/parameters/min_flights"},
        Case{R"({"min_flihgts":1})", "parameter.unknown", "/parameters/min_flihgts"},
        Case{R"({"min_flights":1.5})", "value.type", "/parameters/min_flights"},
        Case{R"({"min_flights":{}})", "value.type", "/parameters/min_flights"}}) {
    const RawResponse refused = host_.send(
        "POST", kRuns, std::string(R"({"workflow":"flights","parameters":)") + c.parameters + "}",
        kJson);
    EXPECT_EQ(refused.status, 422) << refused.body;
    const Json error = body_of(refused)["errors"][0];
    EXPECT_EQ(error["code"], c.code) << refused.body;
    EXPECT_EQ(error["pointer"], c.pointer) << refused.body;
  }
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 0u);
}

TEST_F(ApiTest, a_key_makes_one_run) {
  put_flights();
  const std::string key = kJson + "Idempotency-Key: tonight\r\n";
  const RawResponse first = host_.send("POST", kRuns, R"({"workflow":"flights"})", key);
  ASSERT_EQ(first.status, 201);
  const RawResponse again = host_.send("POST", kRuns, R"({"workflow": "flights"})", key);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(body_of(again)["metadata"], body_of(first)["metadata"]);
  const RawResponse other =
      host_.send("POST", kRuns, R"({"workflow":"flights","parameters":{"min_flights":7}})", key);
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(body_of(other)["code"], "run.key_reused");
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 1u);
  EXPECT_EQ(host_
                .send("POST", kRuns, R"({"workflow":"flights"})",
                      kJson + "Idempotency-Key: " + std::string(300, 'x') + "\r\n")
                .status,
            400);
}

TEST_F(ApiTest, a_run_is_put_once_under_its_name) {
  put_flights();
  const std::string document = R"(apiVersion: millrace.io/v1alpha1
kind: WorkflowRun
metadata: {name: tonight}
spec: {workflow: flights, parameters: [{name: min_flights, value: 5}]}
)";
  const RawResponse dry = host_.send("PUT", run_of("tonight") + "?dryRun=All", document, kYaml);
  EXPECT_EQ(dry.status, 200);
  EXPECT_EQ(body_of(dry)["plan"]["change"], "Create");
  EXPECT_EQ(host_.get(run_of("tonight")).status, 404);
  EXPECT_EQ(host_.send("PUT", run_of("tonight"), document, kYaml).status, 201);
  EXPECT_EQ(host_.send("PUT", run_of("tonight"), document, kYaml).status, 200);
  std::string other = document;
  other.replace(other.find("value: 5"), 8, "value: 6");
  const RawResponse refused = host_.send("PUT", run_of("tonight"), other, kYaml);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(body_of(refused)["code"], "run.exists");
  EXPECT_EQ(host_.send("PUT", run_of("another"), document, kYaml).status, 400);
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 1u);
}

TEST_F(ApiTest, a_run_is_paused_resumed_and_cancelled) {
  put_flights();
  const std::string name = start_run();
  EXPECT_EQ(host_.send("PATCH", run_of(name), R"({"desiredState":"Paused"})", kJson).status, 200);
  EXPECT_EQ(body_of(host_.get(run_of(name)))["status"]["phase"], "Paused");
  EXPECT_EQ(
      host_.send("PATCH", run_of(name), R"({"spec":{"desiredState":"Running"}})", kJson).status,
      200);
  EXPECT_EQ(body_of(host_.get(run_of(name)))["status"]["phase"], "Waiting");
  for (const char* wrong :
       {R"({"desiredState":"Gone"})", R"({"desiredState":1})", R"({"priority":5})", "{}",
        R"({"spec":{"workflow":"x"}})", R"({"spec":1})", R"({"spec":{},"x":1})"})
    EXPECT_EQ(host_.send("PATCH", run_of(name), wrong, kJson).status, 400) << wrong;
  EXPECT_EQ(host_.send("DELETE", run_of(name)).status, 202);
  EXPECT_EQ(body_of(host_.get(run_of(name)))["status"]["phase"], "Cancelled");
  EXPECT_EQ(host_.send("DELETE", run_of(name)).status, 204);
  EXPECT_EQ(host_.send("PATCH", run_of(name), R"({"desiredState":"Running"})", kJson).status, 409);
  EXPECT_EQ(host_.send("DELETE", run_of("nobody")).status, 404);
}

TEST_F(ApiTest, lists_have_pages_and_filters) {
  put_flights();
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) names.push_back(start_run());
  host_.send("DELETE", run_of(names[1]));
  host_.send("DELETE", run_of(names[3]));
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const RawResponse page =
        host_.get(kRuns + "?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(page.status, 200) << page.body;
    const Json json = body_of(page);
    EXPECT_LE(json["items"].size(), 2u);
    for (const Json& run : json["items"]) seen.push_back(run["metadata"]["name"]);
    cursor = json.value("next", "");
  } while (!cursor.empty());
  EXPECT_EQ(seen, std::vector<std::string>(names.rbegin(), names.rend()))
      << "newest first, each once";

  const auto count = [&](const std::string& query) {
    return body_of(host_.get(kRuns + query))["items"].size();
  };
  EXPECT_EQ(count("?state=Cancelled"), 2u);
  EXPECT_EQ(count("?state=Waiting"), 3u);
  EXPECT_EQ(count("?workflow=flights"), 5u);
  EXPECT_EQ(count("?workflow=other"), 0u);
  EXPECT_EQ(count("?queue=default"), 5u);
  EXPECT_EQ(count("?since=2020-01-01T00:00:00Z"), 5u);
  EXPECT_EQ(count("?since=2099-01-01T00:00:00Z"), 0u);

  const std::string next = body_of(host_.get(kRuns + "?limit=2"))["next"];
  EXPECT_EQ(host_.get(kRuns + "?limit=2&workflow=flights&cursor=" + next).status, 400)
      << "other filters";
  EXPECT_EQ(host_.get("/v1/namespaces/other/runs?cursor=" + next).status, 400) << "another list";
  for (const char* wrong : {"?limit=0", "?limit=1001", "?limit=x", "?limit=1&limit=2", "?state=Sad",
                            "?since=now", "?cursor=x", "?cursor=", "?colour=red"})
    EXPECT_EQ(host_.get(kRuns + wrong).status, 400) << wrong;
}

TEST_F(ApiTest, names_that_cannot_be_are_refused) {
  for (const char* wrong :
       {"/v1/namespaces/UPPER/runs", "/v1/namespaces/a%20b/runs", "/v1/namespaces/-a/runs",
        "/v1/namespaces/default/runs/x_y", "/v1/namespaces/default/datasets/a-b"})
    EXPECT_EQ(host_.get(wrong).status, 400) << wrong;
  for (const char* missing :
       {"/v1/namespaces/default/runs/nobody", "/v1/namespaces/default/runs/nobody/tasks",
        "/v1/namespaces/default/runs/nobody/events", "/v1/namespaces/default/workflows/nothing",
        "/v1/namespaces/default/datasets/nothing",
        "/v1/namespaces/default/datasets/nothing/snapshots"})
    EXPECT_EQ(host_.get(missing).status, 404) << missing;
}

TEST_F(ApiTest, a_waiting_task_is_explained) {
  put_flights();
  const std::string name = start_run();
  Json task = body_of(host_.get(run_of(name) + "/tasks/load/explanation"));
  EXPECT_EQ(task["state"], "Ready");
  EXPECT_EQ(task["explanation"]["code"], "NoWorkers");
  task = body_of(host_.get(run_of(name) + "/tasks/delays/explanation"));
  EXPECT_EQ(task["explanation"]["code"], "NeedsOpen");
  EXPECT_EQ(task["explanation"]["waitsFor"], Json({"load"}));
  host_.join_worker();
  host_.fail("load", "file.missing");
  while (body_of(host_.get(run_of(name)))["status"]["phase"] != "Failed") {
  }
  task = body_of(host_.get(run_of(name) + "/tasks/load/explanation"));
  EXPECT_EQ(task["state"], "Failed");
  EXPECT_EQ(task["attempts"][0]["error"]["code"], "file.missing");
  const RawResponse missing = host_.get(run_of(name) + "/tasks/lod");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(body_of(missing)["hint"], "did you mean load?");
}

TEST_F(ApiTest, figures_of_a_running_attempt_are_shown) {
  put_flights();
  const std::string name = start_run();
  host_.join_worker();
  AttemptProgress progress;
  progress.attempt = host_.wait_start("load");
  progress.fraction = 0.5;
  progress.rows = 42;
  host_.set_progress({progress});
  const Json task = body_of(host_.get(run_of(name) + "/tasks/load"));
  EXPECT_EQ(task["worker"], "laptop");
  EXPECT_EQ(task["progress"]["rows"], 42);
  EXPECT_EQ(task["progress"]["fraction"], 0.5);
}

// --- a store or leader that is not there
// --------------------------------------------------------------------

TEST_F(ApiTest, a_database_that_is_down_is_a_503) {
  const std::string name = finish_run();
  host_.reads().break_down(true);
  for (const std::string& target :
       {kRuns, run_of(name), run_of(name) + "/tasks", std::string(kNamespace) + "/datasets"}) {
    const RawResponse response = host_.get(target);
    EXPECT_EQ(response.status, 503) << target;
    EXPECT_EQ(response.headers.at("retry-after"), "1");
  }
  EXPECT_EQ(http::fetch(host_.port(), "GET", "/healthz").status, 200);
  host_.reads().break_down(false);
  EXPECT_EQ(host_.get(run_of(name)).status, 200);
}

TEST_F(ApiTest, an_answer_comes_after_the_commit) {
  put_flights();
  host_.hold_commits(true);
  http::RawClient client(host_.port());
  client.send(
      http::raw_request("POST", kRuns, Host::authorization() + kJson, R"({"workflow":"flights"})"));
  // Other requests are answered meanwhile, and do not see the run.
  while (true) {
    bool in_flight = false;
    host_.on_loop([&] { in_flight = !host_.engine_idle(); });
    if (in_flight) break;
  }
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 0u);
  host_.hold_commits(false);
  EXPECT_EQ(client.read()->status, 201);
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 1u);
}

// --- events
// -----------------------------------------------------------------------------------------------

TEST_F(ApiTest, events_begin_with_what_is_and_end_with_the_run) {
  put_flights();
  const std::string name = start_run();
  EventReader events(host_, run_of(name) + "/events");
  ASSERT_EQ(events.status(), 200);
  for (const char* task : {"load", "delays", "out"}) {
    const Event event = events.next();
    EXPECT_EQ(event.type, "task");
    EXPECT_EQ(event.id, "") << "not yet a place to resume from";
    EXPECT_EQ(event.data["name"], task);
  }
  Event event = events.next();
  EXPECT_EQ(event.type, "run");
  EXPECT_NE(event.id, "");
  EXPECT_EQ(event.data["phase"], "Waiting");

  host_.join_worker();
  event = events.next_event();
  EXPECT_EQ(event.data["state"], "Running");
  EXPECT_EQ(event.data["attempt"], 1);
  host_.succeed("load", {{"flights", 3}});
  event = events.next_event();
  EXPECT_EQ(event.data["state"], "Succeeded");
  EXPECT_EQ(event.data["rows"], 3);
  EXPECT_EQ(events.next_event().data["state"], "Ready");
  EXPECT_EQ(events.next_event().data["state"], "Running");
  host_.fail("delays", "sql.broken");
  event = events.next_event();
  EXPECT_EQ(event.data["state"], "Failed");
  EXPECT_EQ(event.data["code"], "sql.broken");
  event = events.next_event();
  EXPECT_EQ(event.data["name"], "out");
  EXPECT_EQ(event.data["state"], "Skipped");
  event = events.next_event();
  EXPECT_EQ(event.type, "end");
  EXPECT_EQ(event.data["phase"], "Failed");
  EXPECT_EQ(events.next_event().type, "") << "the stream ends with the run";
}

// Each way of resuming gives exactly what was missed: from memory, from the log, after the end.
TEST_F(ApiTest, events_resume_after_any_of_them) {
  put_flights();
  host_.join_worker();
  const std::string name = start_run();
  EventReader live(host_, run_of(name) + "/events");
  host_.succeed("load", {{"flights", 3}});
  host_.succeed("delays", {{"delays", 2}});
  host_.succeed("out", {}, true);
  host_.succeed("out");
  std::vector<Event> seen;
  while (true) {
    Event event = live.next_event();
    if (event.type.empty()) break;
    if (!event.id.empty()) seen.push_back(std::move(event));
  }
  ASSERT_GE(seen.size(), 5u);
  for (const bool restarted : {false, true}) {
    // A new leader has no memory of what was before it: the log has.
    if (restarted) host_.depose();
    for (std::size_t known = 0; known < seen.size(); ++known) {
      const std::string header = "Last-Event-ID: " + seen[known].id + "\r\n";
      EventReader resumed(host_, run_of(name) + "/events", known % 2 == 0 ? header : "");
      EventReader by_query(host_, run_of(name) + "/events?after=" + seen[known].id);
      for (EventReader* reader : {&resumed, &by_query}) {
        if (reader == &resumed && known % 2 == 1) continue;
        ASSERT_EQ(reader->status(), 200);
        for (std::size_t i = known + 1; i < seen.size(); ++i) {
          const Event event = reader->next_event();
          EXPECT_EQ(event.id, seen[i].id);
          EXPECT_EQ(event.type, seen[i].type);
          EXPECT_EQ(event.data, seen[i].data);
        }
        EXPECT_EQ(reader->next_event().type, "");
      }
    }
  }
}

TEST_F(ApiTest, events_of_an_ended_run_are_its_tasks_and_its_end) {
  const std::string name = finish_run();
  EventReader events(host_, run_of(name) + "/events");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(events.next().data["state"], "Succeeded");
  const Event end = events.next();
  EXPECT_EQ(end.type, "end");
  EXPECT_EQ(end.data["phase"], "Succeeded");
  EXPECT_EQ(events.next().type, "");
}

TEST_F(ApiTest, events_too_old_are_gone_and_too_new_are_wrong) {
  const std::string name = finish_run();
  host_.depose();
  host_.reads().forget_events(EventId{scheduler::Sequence(3), 0});
  EXPECT_EQ(EventReader(host_, run_of(name) + "/events?after=2.0").status(), 410);
  EXPECT_EQ(EventReader(host_, run_of(name) + "/events?after=999.0").status(), 400);
  for (const char* wrong : {"x", "1.x", "1.", ".1", "-1", "1.99999999999", "1.0.0"})
    EXPECT_EQ(EventReader(host_, run_of(name) + "/events?after=" + wrong).status(), 400) << wrong;
}

TEST_F(ApiTest, progress_comes_without_an_id_and_only_when_it_changes) {
  put_flights();
  const std::string name = start_run();
  host_.join_worker();
  AttemptProgress progress;
  progress.attempt = host_.wait_start("load");
  progress.fraction = 0.5;
  progress.rows = 42;
  EventReader events(host_, run_of(name) + "/events");
  host_.set_progress({progress});
  Event event = events.next();
  while (event.type != "progress") event = events.next();
  EXPECT_EQ(event.id, "");
  EXPECT_EQ(event.data["name"], "load");
  EXPECT_EQ(event.data["rows"], 42);
  progress.rows = 43;
  host_.set_progress({progress});
  event = events.next();
  EXPECT_EQ(event.type, "progress");
  EXPECT_EQ(event.data["rows"], 43) << "the same figures are not told twice";
}

TEST_F(ApiTest, a_watcher_is_cut_off_when_another_leads) {
  put_flights();
  const std::string name = start_run();
  EventReader events(host_, run_of(name) + "/events");
  std::string last;
  for (int i = 0; i < 4; ++i) last = events.next().id;
  host_.depose();
  EXPECT_TRUE(events.broken());
  EventReader resumed(host_, run_of(name) + "/events", "Last-Event-ID: " + last + "\r\n");
  EXPECT_EQ(resumed.status(), 200);
  host_.join_worker();
  EXPECT_EQ(resumed.next_event().data["state"], "Running");
}

TEST_F(ApiTest, lists_can_be_watched) {
  const std::string as_of = body_of(host_.get(kRuns))["asOf"];
  EventReader runs(host_, kRuns + "?watch=true&after=" + as_of);
  EventReader workflows(host_, std::string(kNamespace) + "/workflows?watch=true");
  EventReader elsewhere(host_, "/v1/namespaces/other/runs?watch=true");
  put_flights();
  const std::string name = start_run();
  host_.send("DELETE", run_of(name));
  EXPECT_EQ(workflows.next().data["name"], "flights");
  EXPECT_EQ(runs.next().data["phase"], "Running");
  EXPECT_EQ(runs.next().data["phase"], "Cancelling");
  const Event end = runs.next();
  EXPECT_EQ(end.type, "end");
  EXPECT_EQ(end.data["name"], name);
  EXPECT_EQ(elsewhere.status(), 200);
  host_.depose();
  EXPECT_TRUE(elsewhere.broken()) << "nothing of another namespace";
}

// --- logs
// -------------------------------------------------------------------------------------------------

TEST_F(ApiTest, logs_are_read_in_pieces_and_followed) {
  put_flights();
  const std::string name = start_run();
  EXPECT_EQ(host_.get(run_of(name) + "/logs").status, 400);
  EXPECT_EQ(host_.get(run_of(name) + "/logs?task=load").status, 404) << "not attempted yet";
  host_.join_worker();
  host_.wait_start("load");
  host_.append_log("first\n", false);
  RawResponse log = host_.get(run_of(name) + "/logs?task=load");
  EXPECT_EQ(log.status, 200);
  EXPECT_EQ(log.body, "first\n");
  EXPECT_EQ(log.headers.at("millrace-next-offset"), "6");
  EXPECT_EQ(log.headers.at("millrace-log-ended"), "false");
  EXPECT_EQ(host_.get(run_of(name) + "/logs?task=load&offset=2&limit=2").body, "rs");
  http::RawClient follower(host_.port());
  follower.send(http::raw_request("GET", run_of(name) + "/logs?task=load&follow=true",
                                  Host::authorization()));
  follower.read_head();
  EXPECT_NE(follower.read_until("first\n").find("first"), std::string::npos);
  host_.append_log("last\n", true);
  EXPECT_NE(follower.read_until("0\r\n\r\n").find("last\n"), std::string::npos);
  EXPECT_EQ(host_.get(run_of(name) + "/logs?task=load&attempt=2").status, 404);
  EXPECT_EQ(host_.get(run_of(name) + "/logs?task=lod").status, 404);
}

// --- load
// -------------------------------------------------------------------------------------------------

TEST(ApiLoad, a_reader_that_does_not_read_is_dropped_and_resumes) {
  Host host({.token = "", .max_stream_buffer = 4 << 10}, {.send_buffer = 8 << 10});
  host.start();
  ASSERT_EQ(host.send("PUT", kWorkflow, kFlights, kYaml).status, 201);
  const std::string as_of = body_of(host.get(kRuns))["asOf"];
  http::RawClient slow(host.port(), 2 << 10);
  slow.send(http::raw_request("GET", kRuns + "?watch=true&after=" + as_of, Host::authorization()));
  slow.read_head();
  // Until the feed has let it go.
  std::size_t watchers = 1;
  int started = 0;
  while (watchers > 0 && started < 5'000) {
    for (int i = 0; i < 20; ++i, ++started)
      host.send("POST", kRuns, R"({"workflow":"flights"})", kJson);
    host.on_loop([&] { watchers = host.watchers(); });
  }
  EXPECT_EQ(watchers, 0u) << "after " << started << " runs";
  EventReader resumed(host, kRuns + "?watch=true&after=" + as_of);
  EXPECT_EQ(resumed.next().data["phase"], "Running");
}

}  // namespace
}  // namespace millrace::api
