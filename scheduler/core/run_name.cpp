#include "scheduler/core/run_name.h"

#include <algorithm>

namespace millrace::scheduler {

std::string made_up_name(const std::string& workflow, const RunId& id, std::size_t end) {
  const std::string text = id.to_text();
  const std::string tail = text.substr(text.size() - std::min(end, text.size()));
  std::string start = workflow.substr(0, kMaxRunName - 1 - tail.size());
  while (start.ends_with('-')) start.pop_back();
  return start + "-" + tail;
}

}  // namespace millrace::scheduler
