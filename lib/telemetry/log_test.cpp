#include "lib/telemetry/log.h"

#include <gtest/gtest.h>

namespace millrace::telemetry {
namespace {

TEST(Log, text_quotes_what_would_read_as_two) {
  EXPECT_EQ(render_line(Log::Format::kText, "T", "info", "leading",
                        {{"epoch", "7"}, {"why", "no \"room\""}, {"empty", ""}}),
            "T info leading epoch=7 why=\"no \\\"room\\\"\" empty=\"\"");
}

TEST(Log, json_is_one_object_a_line_whatever_the_bytes) {
  EXPECT_EQ(
      render_line(Log::Format::kJson, "T", "warn", "odd", {{"bytes", "a\nb\xff"}}),
      "{\"time\":\"T\",\"level\":\"warn\",\"message\":\"odd\",\"bytes\":\"a\\nb\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace millrace::telemetry
