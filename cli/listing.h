// Lists and single objects as tables, JSON, YAML or names. Pure.
#pragma once

#include <string>

#include "base/units.h"
#include "cli/options.h"

namespace millrace::cli {

// `collection` is workflows, runs, tasks, datasets or snapshots; `json` a list ({items: …}) or one
// object, as REST gave it; `now` is what ages are counted from.
std::string listing_text(const std::string& collection, const std::string& json, Format format,
                         WallTime now);

}  // namespace millrace::cli
