#include "lib/http/message.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lib/http/auth.h"
#include "lib/http/problem.h"
#include "lib/http/sse.h"
#include "lib/http/url.h"

namespace millrace::http {
namespace {

TEST(Headers, compare_without_case) {
  const Headers headers{{"Content-Type", "a"}, {"content-type", "b"}};
  EXPECT_EQ(headers.get("CONTENT-TYPE"), "a");
  EXPECT_TRUE(headers.has("content-type"));
  EXPECT_FALSE(headers.has("content-typ"));
  EXPECT_EQ(headers.get("x"), "");
}

TEST(Responder, sends_once_and_never_nothing) {
  int sent = 0;
  int status = 0;
  {
    const Responder responder([&](const Response& response) {
      ++sent;
      status = response.status;
    });
    const Responder copy = responder;  // NOLINT(performance-unnecessary-copy-initialization)
    copy.send({.status = 201});
    responder.send({.status = 202});
  }
  EXPECT_EQ(sent, 1);
  EXPECT_EQ(status, 201);
  {
    const Responder dropped([&](const Response& response) { status = response.status; });
  }
  EXPECT_EQ(status, 500);
}

TEST(Url, decodes_percent_escapes) {
  struct Case {
    std::string text;
    std::optional<std::string> plain;
  };
  const Case cases[] = {
      {"flights", "flights"},  {"a%20b", "a b"},      {"a%2Fb", "a/b"},       {"%c3%a9", "é"},
      {"a+b", "a+b"},          {"%", std::nullopt},   {"%2", std::nullopt},   {"%zz", std::nullopt},
      {"a%00b", std::nullopt}, {"%0a", std::nullopt}, {"a\nb", std::nullopt}, {"", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(percent_decode(c.text), c.plain) << c.text;
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_encode("a b/é"), "a%20b%2F%C3%A9");
}

TEST(Url, reads_targets) {
  const auto target = parse_target("/v1/runs?limit=5&state=Running&empty&x=a%26b&&y=1+2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/runs");
  EXPECT_EQ(target->query.get("limit"), "5");
  EXPECT_EQ(target->query.get("empty"), "");
  EXPECT_EQ(target->query.get("x"), "a&b");
  EXPECT_EQ(target->query.get("y"), "1 2");
  EXPECT_EQ(target->query.get("z"), std::nullopt);
  struct Absolute {
    const char* target;
    std::string path;
    std::string b;
  };
  for (const Absolute& c :
       {Absolute{"http://other/a?b=1", "/a", "1"}, Absolute{"HTTPS://other:8080?b=2", "/", "2"},
        Absolute{"http://[::1]:80", "/", ""}, Absolute{"http://other/", "/", ""}}) {
    const auto absolute = parse_target(c.target);
    ASSERT_TRUE(absolute) << c.target;
    EXPECT_EQ(absolute->path, c.path) << c.target;
    EXPECT_EQ(absolute->query.get("b").value_or(""), c.b) << c.target;
  }
  EXPECT_FALSE(parse_target("http:///a"));
  EXPECT_FALSE(parse_target("http:/a"));
  EXPECT_FALSE(parse_target("ftp://other/"));
  EXPECT_FALSE(parse_target("other:80"));
  EXPECT_FALSE(parse_target(""));
  EXPECT_FALSE(parse_target("/a?b=%zz"));
  EXPECT_FALSE(parse_target("/a%0cb"));
  EXPECT_FALSE(parse_target("/a%"));
}

TEST(Auth, compares_whole_tokens) {
  EXPECT_TRUE(bearer_matches("Bearer secret", "secret"));
  EXPECT_TRUE(bearer_matches("bearer secret", "secret"));
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secret2",
                            "Bearer Secret", "Basic secret", "secret", "Bearer  secret"})
    EXPECT_FALSE(bearer_matches(wrong, "secret")) << wrong;
  EXPECT_FALSE(bearer_matches("Bearer ", "")) << "no token configured lets nobody in";
}

TEST(Sse, frames) {
  EXPECT_EQ(sse_frame("17.3", "task", R"({"a":1})"), "id: 17.3\nevent: task\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(sse_frame("", "progress", "x"), "event: progress\ndata: x\n\n");
  EXPECT_EQ(sse_frame("", "", ""), "data: \n\n");
  EXPECT_EQ(sse_frame("", "", "a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(sse_frame("1\n2", "a\r\nb", "x"), "id: 12\nevent: ab\ndata: x\n\n");
}

TEST(Problem, is_written_as_the_doors_show_it) {
  const Problem problem{.status = 422,
                        .code = "manifest.invalid",
                        .title = "Invalid manifest",
                        .detail = "Workflow flights: 1 problem; nothing changed",
                        .error_class = "User",
                        .errors = {{.code = "field.unknown",
                                    .pointer = "/spec/tasks/3/query/sqll",
                                    .line = 20,
                                    .column = 7,
                                    .detail = "unknown field sqll",
                                    .hint = "did you mean sql?"}}};
  EXPECT_EQ(
      to_json(problem),
      R"({"type":"https://millrace.io/e/manifest.invalid","status":422,"title":"Invalid manifest",)"
      R"("detail":"Workflow flights: 1 problem; nothing changed","class":"User",)"
      R"("code":"manifest.invalid","errors":[{"code":"field.unknown",)"
      R"("pointer":"/spec/tasks/3/query/sqll","line":20,"column":7,"detail":"unknown field sqll",)"
      R"("hint":"did you mean sql?"}]})");
  const Response response = to_response(problem);
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.content_type, "application/problem+json");
}

TEST(Problem, bytes_that_are_no_utf8_do_no_harm) {
  const std::string text = to_json({.status = 400, .code = "x.y", .detail = "bad \xff\xfe byte"});
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
}

}  // namespace
}  // namespace millrace::http
