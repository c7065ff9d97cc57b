// Starting, and repairing, the parts of a stack: a loop that looks at what lives and does the next
// thing.
#pragma once

#include "base/result.h"
#include "cli/stack/layout.h"
#include "cli/stack/record.h"
#include "cli/stack/stack.h"

namespace millrace::cli {

// Returns when all parts run and are ready; the record on disk then tells of them. The caller holds
// the directory's lock. Errors: those of bring_up() in stack.h.
Status start_parts(const UpOptions& options, const Layout& layout, StackRecord record,
                   const Say& say);

}  // namespace millrace::cli
