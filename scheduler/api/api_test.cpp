// The whole api over real sockets and the real engine: objects and commands. Streams are in
// watch_test.cpp.
#include "scheduler/api/api.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/contents.h"
#include "scheduler/api/testing/api_fixture.h"
#include "tests/support/eventually.h"

namespace millrace::api {
namespace {

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

TEST_F(ApiTest, the_openapi_document_says_how_lists_are_watched) {
  const Json document = body_of(http::fetch(host_.port(), "GET", "/v1/openapi.json"));
  for (const char* list : {"runs", "workflows"}) {
    const Json& get = document["paths"]["/v1/namespaces/{ns}/" + std::string(list)]["get"];
    std::set<std::string> parameters;
    for (const Json& parameter : get["parameters"]) parameters.insert(parameter.value("$ref", ""));
    for (const char* name : {"Watch", "After", "LastEventId"})
      EXPECT_TRUE(parameters.contains("#/components/parameters/" + std::string(name)))
          << list << " " << name;
    EXPECT_TRUE(get["responses"]["200"]["content"].contains("text/event-stream")) << list;
    EXPECT_TRUE(get["responses"].contains("410")) << list;
  }
}

// What the custom resources do not have would be pruned in a cluster.
TEST_F(ApiTest, a_run_shows_no_field_that_its_schema_has_not) {
  const char* const root = std::getenv("MILLRACE_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  const Json schemas = Json::parse(contents_of_file(
      std::string(root) + "/manifest/generated/openapi.json"))["components"]["schemas"];
  put_flights();
  const std::string origin = start_run();
  EXPECT_EQ(host_.send("DELETE", run_of(origin)).status, 202);
  const RawResponse rerun = host_.send("POST", run_of(origin) + "/reruns", "{}", kJson);
  ASSERT_EQ(rerun.status, 201) << rerun.body;
  for (const std::string& name : {origin, std::string(body_of(rerun)["metadata"]["name"])}) {
    const Json status = body_of(host_.get(run_of(name)))["status"];
    for (const auto& [field, value] : status.items())
      EXPECT_TRUE(schemas["WorkflowRunStatus"]["properties"].contains(field)) << field;
    for (const auto& [field, value] : status["tasks"].items())
      EXPECT_TRUE(schemas["TaskCounts"]["properties"].contains(field)) << field;
  }
}

// The document tells of every route and of no other, so neither is forgotten when the other
// changes.
TEST_F(ApiTest, the_openapi_document_has_every_route) {
  const Json document = body_of(http::fetch(host_.port(), "GET", "/v1/openapi.json"));
  std::set<std::string> told;
  for (const auto& [path, operations] : document["paths"].items())
    for (const auto& [method, operation] : operations.items())
      if (method != "parameters") told.insert(std::string(method).append(" ").append(path));
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

// --- workflows ---

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
  back["metadata"].erase("resourceVersion");
  EXPECT_EQ(host_.send("PUT", kWorkflow, back.dump(), kJson).headers.at("etag"), "\"3\"");

  const Json list = body_of(host_.get(std::string(kNamespace) + "/workflows"));
  ASSERT_EQ(list["items"].size(), 1u);
  EXPECT_EQ(list["items"][0]["metadata"]["generation"], 3);
  EXPECT_TRUE(list.contains("asOf"));

  EXPECT_EQ(host_.send("DELETE", kWorkflow).status, 204);
  EXPECT_EQ(host_.get(kWorkflow).status, 404);
  EXPECT_EQ(host_.send("DELETE", kWorkflow).status, 404);
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
  EXPECT_FALSE(problem["errors"][0].contains("subject"));  // the pointer says it
  EXPECT_EQ(host_.get(kWorkflow).status, 404);
}

TEST_F(ApiTest, of_very_many_problems_some_are_told_and_that_there_are_more) {
  std::string text = kFlights;
  for (int i = 0; i < 150; ++i) text += "wrong" + std::to_string(i) + ": 1\n";
  const Json problem = body_of(host_.send("PUT", kWorkflow, text, kYaml));
  EXPECT_EQ(problem["errors"].size(), 100U);
  EXPECT_EQ(problem["detail"], "Workflow flights: 100 problems and perhaps more; nothing changed");
}

TEST_F(ApiTest, a_dataset_that_nobody_writes_is_unknown) {
  std::string text = kFlights;
  text.replace(text.find("FROM flights"), 12, "FROM flight ");
  const RawResponse refused = host_.send("PUT", kWorkflow, text, kYaml);
  ASSERT_EQ(refused.status, 422) << refused.body;
  const Json error = body_of(refused)["errors"][0];
  EXPECT_EQ(error["code"], "dataset.unknown");
  EXPECT_EQ(error["subject"], "dataset flight");
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

// --- runs ---

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
  host_.succeed("out");
  wait_end(name);
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
  const std::string as_of = body_of(host_.get(kRuns))["asOf"];
  EXPECT_EQ(datasets.value("asOf", ""), as_of);
  ASSERT_EQ(datasets["items"].size(), 3u);
  const Json flights = body_of(host_.get(std::string(kNamespace) + "/datasets/flights"));
  EXPECT_EQ(flights["status"]["rows"], 3);
  EXPECT_EQ(flights["status"]["schema"]["columns"][0]["name"], "a");
  const Json snapshots =
      body_of(host_.get(std::string(kNamespace) + "/datasets/flights/snapshots"));
  EXPECT_EQ(snapshots.value("asOf", ""), as_of);
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
  EXPECT_EQ(
      host_.send("POST", kRuns, R"({"workflow":"flights"})", key + "Idempotency-Key: other\r\n")
          .status,
      400)
      << "which of the two?";
}

// Otherwise a PUT that is repeated would find another run under its name, and a name two runs.
TEST_F(ApiTest, a_name_is_its_runs_for_as_long_as_that_is_kept) {
  put_flights();
  const std::string body = R"({"workflow":"flights","name":"mine"})";
  EXPECT_EQ(host_.send("PUT", run_of("mine"), body, kJson).status, 201);
  for (const bool ended : {false, true}) {
    if (ended) host_.send("DELETE", run_of("mine"));
    const RawResponse taken = host_.send("POST", kRuns, body, kJson);
    EXPECT_EQ(taken.status, 409) << ended;
    EXPECT_EQ(body_of(taken)["code"], "run.exists");
    EXPECT_EQ(host_.send("POST", kRuns, body, kJson + "Idempotency-Key: a\r\n").status, 409);
    EXPECT_EQ(host_.send("PUT", run_of("mine"), body, kJson).status, 200);
  }
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 1u);
  // A replay under its key asks for no run of its own.
  const std::string yours = R"({"workflow":"flights","name":"yours"})";
  const std::string key = kJson + "Idempotency-Key: b\r\n";
  EXPECT_EQ(host_.send("POST", kRuns, yours, key).status, 201);
  host_.send("DELETE", run_of("yours"));
  EXPECT_EQ(host_.send("POST", kRuns, yours, key).status, 200);
  EXPECT_EQ(host_.send("PUT", run_of("yours"), yours, kJson).status, 200);
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 2u);
}

TEST_F(ApiTest, a_run_is_asked_for_in_yaml_as_in_json) {
  put_flights();
  const RawResponse run = host_.send(
      "POST", kRuns, "workflow: flights\nname: mine\nparameters: {min_flights: 5}\n", kYaml);
  ASSERT_EQ(run.status, 201) << run.body;
  EXPECT_EQ(body_of(run)["spec"]["parameters"][0]["value"], 5);
  EXPECT_EQ(host_
                .send("PUT", run_of("mine"),
                      R"({"workflow":"flights","parameters":{"min_flights":5}})", kJson)
                .status,
            200)
      << "the same run";
  EXPECT_EQ(host_.send("POST", kRuns, "workflow: flights").status, 201) << "of no media type";
  const RawResponse smile =
      host_.send("POST", kRuns, R"({"workflow":"flights","name":"\ud83d\ude00"})");
  EXPECT_EQ(body_of(smile)["errors"][0].value("pointer", ""), "/name")
      << "JSON of no media type, with escapes that YAML has not: " << smile.body;
  struct Case {
    const char* body;
    const char* pointer;
  };
  for (const Case& c :
       {Case{"workflow: flights\nparameters: {min_flights: many}", "/parameters/min_flights"},
        Case{"workflow: flights\nworkflw: x", "/workflw"}, Case{"name: a", ""},
        Case{"workflow: 5", "/workflow"}}) {
    const RawResponse wrong = host_.send("POST", kRuns, c.body, kYaml);
    EXPECT_EQ(wrong.status, 422) << c.body;
    EXPECT_EQ(body_of(wrong)["errors"][0].value("pointer", ""), c.pointer) << wrong.body;
  }
  for (const char* no_mapping :
       {"workflow", "- workflow: flights", "workflow: a\nworkflow: b", "{", ""})
    EXPECT_EQ(host_.send("POST", kRuns, no_mapping, kYaml).status, 422) << no_mapping;
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
  other.replace(other.find("value: 6"), 8, "value: no");
  const Json unfit = body_of(host_.send("PUT", run_of("tonight"), other, kYaml))["errors"][0];
  EXPECT_EQ(unfit["pointer"], "/spec/parameters/0/value");
  EXPECT_EQ(unfit["line"], 4);
  EXPECT_EQ(unfit["column"], 67);
  EXPECT_EQ(host_.send("PUT", run_of("another"), document, kYaml).status, 400);
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 1u);
}

TEST_F(ApiTest, a_name_that_is_made_up_is_no_other_runs_that_is_kept) {
  put_flights();
  // Ids go by number here: what the second run of another scheduler is called, this one's would be.
  Host other;
  other.start();
  ASSERT_EQ(other.send("PUT", kWorkflow, kFlights, kYaml).status, 201);
  std::string wanted;
  for (int i = 0; i < 2; ++i)
    wanted =
        body_of(other.send("POST", kRuns, R"({"workflow":"flights"})", kJson))["metadata"]["name"];
  EXPECT_EQ(host_.send("PUT", run_of(wanted), R"({"workflow":"flights"})", kJson).status, 201);
  EXPECT_EQ(host_.send("DELETE", run_of(wanted)).status, 202);
  const std::string name = start_run();
  EXPECT_EQ(name.size(), wanted.size() + 1) << "of one more character of its id: " << name;
  EXPECT_EQ(name.substr(name.size() - 5), wanted.substr(wanted.size() - 5));
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
  std::vector<std::string> names(5);
  for (std::string& name : names) name = start_run();
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
  wait_end(name);
  EXPECT_EQ(body_of(host_.get(run_of(name)))["status"]["phase"], "Failed");
  task = body_of(host_.get(run_of(name) + "/tasks/load/explanation"));
  EXPECT_EQ(task["state"], "Failed");
  EXPECT_EQ(task["attempts"][0]["error"]["code"], "file.missing");
  const RawResponse missing = host_.get(run_of(name) + "/tasks/lod");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(body_of(missing)["hint"], "did you mean load?");
}

TEST_F(ApiTest, an_attempt_that_was_cancelled_is_called_so) {
  put_flights();
  const std::string name = start_run();
  host_.join_worker();
  host_.wait_start("load");
  EXPECT_EQ(patch(name, "Cancelled").status, 200);
  host_.fail("load", "task.cancelled");
  wait_end(name);
  EXPECT_EQ(body_of(host_.get(run_of(name)))["status"]["phase"], "Cancelled");
  const Json attempt = body_of(host_.get(run_of(name) + "/tasks/load/attempts"))["items"][0];
  EXPECT_EQ(attempt["state"], "Cancelled");
  EXPECT_FALSE(attempt.contains("error")) << attempt;
  EXPECT_EQ(attempt.value("message", ""), "it went wrong");
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

// --- a store or leader that is not there ---

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
  ASSERT_TRUE(testing_support::eventually([&] {
    bool in_flight = false;
    host_.on_loop([&] { in_flight = !host_.engine_idle(); });
    return in_flight;
  }));
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 0u);
  host_.hold_commits(false);
  EXPECT_EQ(client.read()->status, 201);
  EXPECT_EQ(body_of(host_.get(kRuns))["items"].size(), 1u);
}

}  // namespace
}  // namespace millrace::api
