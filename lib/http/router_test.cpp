#include "lib/http/router.h"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

Router sample() {
  Router router;
  const Handler none = [](const Request&, const Responder&) {};
  router.add("GET", "/healthz", none, {.open = true});
  router.add("GET", "/v1/namespaces/{ns}/runs/{run}", none);
  router.add("DELETE", "/v1/namespaces/{ns}/runs/{run}", none);
  router.add("GET", "/v1/namespaces/{ns}/runs/{run}/tasks/{task}/attempts", none);
  router.add("POST", "/v1/namespaces/{ns}/runs", none);
  router.add("GET", "/v1/namespaces/{ns}/runs/latest", none);
  return router;
}

std::string outcome(const Router& router, std::string_view method, std::string_view path) {
  const auto found = router.find(method, path);
  if (const auto* match = std::get_if<Router::Match>(&found)) {
    std::string text = match->route->method + " " + match->route->pattern;
    for (const auto& [name, value] : match->parameters.values())
      text.append(" ").append(name).append("=").append(value);
    return text;
  }
  if (const auto* refused = std::get_if<Router::NoMethod>(&found)) return "405 " + refused->allow;
  return "404";
}

TEST(Router, finds) {
  const Router router = sample();
  struct Case {
    const char* method;
    const char* path;
    const char* expected;
  };
  const Case cases[] = {
      {"GET", "/healthz", "GET /healthz"},
      {"HEAD", "/healthz", "GET /healthz"},
      {"GET", "/healthz/", "404"},
      {"GET", "/", "404"},
      {"GET", "", "404"},
      {"GET", "/v1/namespaces/a/runs/b", "GET /v1/namespaces/{ns}/runs/{run} ns=a run=b"},
      {"DELETE", "/v1/namespaces/a/runs/b", "DELETE /v1/namespaces/{ns}/runs/{run} ns=a run=b"},
      {"GET", "/v1/namespaces/a%2Fx/runs/b%20c",
       "GET /v1/namespaces/{ns}/runs/{run} ns=a/x run=b c"},
      {"GET", "/v1/namespaces//runs/b", "404"},
      {"GET", "/v1/namespaces/a/runs/", "404"},
      {"GET", "/v1/namespaces/a/runs/%00", "404"},
      {"GET", "/v1/namespaces/a/runs/latest", "GET /v1/namespaces/{ns}/runs/latest ns=a"},
      {"GET", "/v1/namespaces/a/runs/r/tasks/t/attempts",
       "GET /v1/namespaces/{ns}/runs/{run}/tasks/{task}/attempts ns=a run=r task=t"},
      {"PUT", "/v1/namespaces/a/runs/b", "405 DELETE, GET, HEAD, OPTIONS"},
      {"GET", "/v1/namespaces/a/runs", "405 OPTIONS, POST"},
      {"HEAD", "/v1/namespaces/a/runs", "405 OPTIONS, POST"},
      {"get", "/healthz", "405 GET, HEAD, OPTIONS"},
      {"GET", "/v1/namespaces/{ns}/runs/{run}",
       "GET /v1/namespaces/{ns}/runs/{run} ns={ns} run={run}"},
  };
  for (const Case& c : cases) EXPECT_EQ(outcome(router, c.method, c.path), c.expected) << c.path;
}

TEST(RouterDeathTest, refuses_a_route_twice) {
  Router router = sample();
  EXPECT_DEATH(router.add("GET", "/healthz", [](const Request&, const Responder&) {}),
               "route twice");
}

}  // namespace
}  // namespace millrace::http
