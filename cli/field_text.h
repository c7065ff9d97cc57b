// What may stand in a manifest, as text: `millrace explain workflow.spec.tasks`. From the schema
// that manifests are checked by, so it needs no scheduler. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::cli {

// "workflow.spec.tasks.ingest": a kind of document, then fields; lists are passed through. Errors:
// field.unknown, with the nearest name.
Result<std::string> field_text(std::string_view path);

}  // namespace millrace::cli
