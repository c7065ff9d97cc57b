// Between the protocol's messages and the tasks' own types. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "millrace/runner/v1alpha1/runner.pb.h"
#include "millrace/task/v1alpha1/task.pb.h"
#include "workers/kernel/activity.h"
#include "workers/tasks/task.h"

namespace millrace::runner {

// An assignment whose chunks have been merged. Errors: task.body_invalid and the like
// (infrastructure).
Result<tasks::TaskRequest> request_from(const v1alpha1::Assign& assign);

// Everything that is said of a success: pages of file rows, each below the frame's limit, then the
// success itself, whose counts and checksum are over them.
struct SuccessMessages {
  std::vector<millrace::task::v1alpha1::FilePage> pages;
  millrace::task::v1alpha1::Success success;
};
// Error: result.too_large (User), when one of them fits no frame.
Result<SuccessMessages> messages_of(const tasks::TaskSuccess& success);

millrace::task::v1alpha1::Failure failure_of(const Error& error, int exit_code);
millrace::task::v1alpha1::Usage usage_of(const kernel::Activity& activity);

}  // namespace millrace::runner
