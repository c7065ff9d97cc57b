// For tests that are told as scenarios (scenario.h).
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "scheduler/core/scenario.h"
#include "scheduler/core/settings.h"

namespace millrace::scheduler {

// Fails the test with what the scheduler did otherwise, and at which line.
inline void expect_scenario(std::string_view text, const Settings& settings = {}) {
  EXPECT_EQ(run_scenario(text, settings), "");
}

}  // namespace millrace::scheduler
