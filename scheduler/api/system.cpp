// Health, metrics, version: what answers without a token, on the server's own thread, so that it
// answers even when everything else is at its limit.
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "manifest/schema.h"
#include "scheduler/api/context.h"
#include "scheduler/api/openapi.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/render.h"

namespace millrace::api {

void add_system_routes(http::Router& router, Context& context) {
  const http::RouteOptions open{.max_body = 0, .open = true};
  router.add(
      "GET", "/healthz",
      [](const http::Request&, const http::Responder& responder) {
        responder.send({.content_type = "text/plain", .body = "ok\n"});
      },
      open);
  router.add(
      "GET", "/readyz",
      [&context](const http::Request&, const http::Responder& responder) {
        const Status ready = context.ports.ready ? context.ports.ready() : ok_status();
        if (ready.ok()) return responder.send({.content_type = "text/plain", .body = "ok\n"});
        responder.send(problem_response(ready.error()));
      },
      open);
  router.add(
      "GET", "/metrics",
      [&context](const http::Request&, const http::Responder& responder) {
        std::string text;
        if (context.ports.metrics != nullptr)
          text = prometheus::TextSerializer().Serialize(context.ports.metrics->Collect());
        responder.send({.content_type = "text/plain; version=0.0.4", .body = std::move(text)});
      },
      open);
  router.add(
      "GET", "/v1/version",
      [&context](const http::Request&, const http::Responder& responder) {
        responder.send(json_response({{"version", context.options.version},
                                      {"api", "v1"},
                                      {"apiVersions", {manifest::kApiVersion}}}));
      },
      open);
  router.add(
      "GET", "/v1/openapi.json",
      [](const http::Request&, const http::Responder& responder) {
        responder.send({.content_type = "application/json", .body = std::string(openapi_json())});
      },
      open);
}

}  // namespace millrace::api
