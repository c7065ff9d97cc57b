#include "scheduler/api/query.h"

#include <gtest/gtest.h>

#include <random>

#include "lib/http/url.h"
#include "scheduler/api/ports.h"
#include "scheduler/api/problems.h"

namespace millrace::api {
namespace {

http::Request request(const std::string& target) {
  const auto parsed = http::parse_target(target);
  http::Request result;
  result.path = parsed->path;
  result.query = parsed->query;
  return result;
}

TEST(Query, unknown_and_doubled_parameters_are_named) {
  EXPECT_TRUE(check_query(request("/x?limit=1"), {"limit"}).ok());
  const Status unknown = check_query(request("/x?limti=1"), {"limit", "cursor"});
  EXPECT_EQ(unknown.error().path, "limti");
  EXPECT_EQ(unknown.error().hint, "known: limit, cursor");
  EXPECT_FALSE(check_query(request("/x?limit=1&limit=1"), {"limit"}).ok());
}

TEST(Query, numbers_are_whole_and_bounded) {
  EXPECT_EQ(*integer_query(request("/x"), "n", 1, 9), std::nullopt);
  EXPECT_EQ(*integer_query(request("/x?n=9"), "n", 1, 9), 9);
  for (const char* wrong :
       {"0", "10", "1.5", "x", "", "+1", " 1", "1 ", "0x1", "99999999999999999999"})
    EXPECT_FALSE(
        integer_query(request(std::string("/x?n=") + http::percent_encode(wrong)), "n", 1, 9).ok())
        << wrong;
}

TEST(Page, a_cursor_holds_for_its_list_and_filters) {
  const auto first = request("/v1/namespaces/a/runs?limit=2&state=Failed&workflow=w");
  const std::string cursor = next_cursor(first, "01abc");
  const auto follows = [&cursor](const std::string& target) {
    return page_of(request(target + "cursor=" + cursor));
  };
  EXPECT_EQ(follows("/v1/namespaces/a/runs?limit=2&state=Failed&workflow=w&")->after, "01abc");
  EXPECT_EQ(follows("/v1/namespaces/a/runs?workflow=w&state=Failed&limit=50&")->limit, 50u)
      << "another page size and order of filters is the same list";
  EXPECT_FALSE(follows("/v1/namespaces/a/runs?state=Failed&").ok());
  EXPECT_FALSE(follows("/v1/namespaces/b/runs?state=Failed&workflow=w&").ok());
}

TEST(Page, any_text_comes_back_and_no_other_does) {
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    std::string last(1 + random() % 40, '\0');
    for (char& c : last) c = static_cast<char>(random());
    const auto list = request("/v1/x");
    const std::string cursor = next_cursor(list, last);
    http::Request next = list;
    next.query.add("cursor", cursor);
    EXPECT_EQ(page_of(next)->after, last);
    // One character less or other: never a crash, never accepted as something else's place.
    std::string broken = cursor;
    broken[random() % 17] ^= 1;
    http::Request other = list;
    other.query.add("cursor", broken);
    EXPECT_FALSE(page_of(other).ok()) << broken;
  }
}

TEST(Time, is_written_as_rfc_3339) {
  EXPECT_EQ(time_text(WallTime(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_text(WallTime(1'714'559'460'000'000)), "2024-05-01T10:31:00Z");
  EXPECT_EQ(time_text(WallTime(1'714'559'460'250'000)), "2024-05-01T10:31:00.25Z");
  EXPECT_EQ(time_text(WallTime(1'714'559'460'000'001)), "2024-05-01T10:31:00.000001Z");
}

TEST(Time, is_read_back_with_any_offset) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 1000; ++i) {
    const WallTime time(static_cast<std::int64_t>(random() % 250'000'000'000'000'000ULL));
    EXPECT_EQ(parse_time(time_text(time)), time) << time_text(time);
  }
  EXPECT_EQ(parse_time("2024-05-01T12:31:00+02:00"), parse_time("2024-05-01T10:31:00Z"));
  EXPECT_EQ(parse_time("2024-05-01t05:31:00-05:00"), parse_time("2024-05-01T10:31:00z"));
  EXPECT_EQ(parse_time("2024-05-01T10:31:00.1234567891Z"),
            parse_time("2024-05-01T10:31:00.123456Z"));
  for (const char* wrong :
       {"", "now", "2024-05-01", "2024-05-01T10:31:00", "2024-05-01 10:31:00Z",
        "2024-06-31T00:00:00Z", "2024-13-01T00:00:00Z", "2024-05-01T25:00:00Z",
        "2024-05-01T10:31:00.Z", "2024-05-01T10:31:00+2:00", "2024-05-01T10:31:00+0200",
        "1969-12-31T23:59:59Z", "2024-05-01T10:31:00Z ", "2024-05-01T-1:31:00Z",
        "1970-01-01T00:00:00+01:00"})
    EXPECT_EQ(parse_time(wrong), std::nullopt) << wrong;
}

TEST(EventIds, are_read_as_written) {
  using scheduler::Sequence;
  for (const EventId id :
       {EventId{Sequence(1), 0}, EventId{Sequence(17), 3}, EventId::end_of(Sequence(9))})
    EXPECT_EQ(EventId::parse(id.to_text()), id) << id.to_text();
  EXPECT_EQ((EventId{Sequence(17), 3}.to_text()), "17.3");
  EXPECT_EQ(EventId::end_of(Sequence(9)).to_text(), "9");
  EXPECT_LT((EventId{Sequence(9), 1000}), EventId::end_of(Sequence(9)));
  EXPECT_LT(EventId::end_of(Sequence(9)), (EventId{Sequence(10), 0}));
}

TEST(Problems, every_code_has_its_status) {
  struct Case {
    const char* code;
    ErrorClass error_class;
    int status;
  };
  for (const Case& c :
       {Case{"document.conflict", ErrorClass::kUser, 412},
        Case{"run.key_reused", ErrorClass::kUser, 422},
        Case{"admission.full", ErrorClass::kResource, 429},
        Case{"engine.not_leading", ErrorClass::kInfrastructure, 503},
        Case{"engine.full", ErrorClass::kResource, 503},
        Case{"log.expired", ErrorClass::kUser, 410}, Case{"run.exists", ErrorClass::kUser, 409},
        Case{"auth.required", ErrorClass::kPolicy, 401},
        Case{"sql.busy", ErrorClass::kTransient, 503}, Case{"made.up", ErrorClass::kUser, 422},
        Case{"made.up", ErrorClass::kPolicy, 403},
        Case{"made.up", ErrorClass::kInfrastructure, 500}}) {
    const http::Response response =
        problem_response(Error{c.error_class, c.code, "message", "hint"});
    EXPECT_EQ(response.status, c.status) << c.code;
    EXPECT_EQ(response.headers.has("Retry-After"), c.status == 429 || c.status == 503) << c.code;
  }
}

}  // namespace
}  // namespace millrace::api
