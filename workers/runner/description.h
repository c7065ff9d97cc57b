// What an attempt is about comes in chunks (task.proto), cut anywhere between two characters or
// files: here they become one again.
#pragma once

#include "millrace/task/v1alpha1/task.pb.h"

namespace millrace::runner {

// `chunk` is the next one after those of `whole`.
void append_chunk(task::v1alpha1::Description& whole, task::v1alpha1::Description chunk);

}  // namespace millrace::runner
