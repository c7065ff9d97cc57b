// A description in pages, as it travels to the worker and on to the runner.
//
// Whoever joins them appends the fields of later pages to those of earlier ones: texts, and inputs
// by their dataset's name.
#pragma once

#include <string_view>
#include <vector>

#include "millrace/task/v1alpha1/task.pb.h"
#include "scheduler/dispatch/description.h"

namespace millrace::scheduler {

// About: a single file's row, which is not split, may stand above it.
inline constexpr std::size_t kDescriptionPageBytes = std::size_t{1} << 19;

std::vector<task::v1alpha1::Description> to_pages(const Description& description);

// The length of the longest start of `text` with at most `limit` bytes that splits no character
// (UTF-8): protobuf refuses texts that are none.
std::size_t whole_characters(std::string_view text, std::size_t limit);

}  // namespace millrace::scheduler
