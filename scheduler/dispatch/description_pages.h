// A description in pages, as it travels to the worker and on to the runner.
//
// Whoever joins them appends the fields of later pages to those of earlier ones: texts, and inputs
// by their dataset's name.
#pragma once

#include <vector>

#include "millrace/task/v1alpha1/task.pb.h"
#include "scheduler/dispatch/description.h"

namespace millrace::scheduler {

// About: a single file's row, which is not split, may stand above it.
inline constexpr std::size_t kDescriptionPageBytes = std::size_t{1} << 19;

std::vector<task::v1alpha1::Description> to_pages(const Description& description);

}  // namespace millrace::scheduler
