// made_up_name(): what a run is called where nobody named it: "flights-7k2p5", its workflow and as
// many characters of its id's random end as tell it from all other runs. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "scheduler/core/types.h"

namespace millrace::scheduler {

inline constexpr std::size_t kMaxRunName = 63;      // as of every object
inline constexpr std::size_t kShortNameEnd = 5;     // one of 32^5
inline constexpr std::size_t kLongestNameEnd = 26;  // the whole id

// With `end` characters of the id, up to kLongestNameEnd, and as much of the workflow's name as
// there is room for.
std::string made_up_name(const std::string& workflow, const RunId& id, std::size_t end);

}  // namespace millrace::scheduler
