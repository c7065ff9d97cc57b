// What a request may ask for beside its path: query parameters, names, pages. Everything unknown,
// doubled or out of bounds is an error that names it.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "lib/http/message.h"
#include "scheduler/core/types.h"

namespace millrace::api {

// Refuses query parameters that are not among `known` and those that are given twice.
Status check_query(const http::Request& request, std::initializer_list<std::string_view> known);

// Nothing when it is not given. Errors: request.invalid.
Result<std::optional<std::int64_t>> integer_query(const http::Request& request,
                                                  std::string_view name, std::int64_t minimum,
                                                  std::int64_t maximum);
// "true" or "false"; false when it is not given.
Result<bool> boolean_query(const http::Request& request, std::string_view name);
// Whether dryRun=All is asked for.
Result<bool> dry_run_of(const http::Request& request);

// A path parameter of DNS form (namespaces, workflows, runs), or of a name's ([a-z][a-z0-9_]*:
// tasks, datasets). Errors: request.invalid.
Result<std::string> label_of(const http::Request& request, std::string_view parameter);
Result<std::string> name_of(const http::Request& request, std::string_view parameter);
// {ns} and one of the path's names.
Result<scheduler::NamespacedName> labels_of(const http::Request& request,
                                            std::string_view parameter);

// A page of a list. Cursors are opaque to clients and hold for the very list and filters that gave
// them.
struct PageRequest {
  std::size_t limit = 100;
  std::string after;  // what next_cursor() was given; empty: the first page
};
inline constexpr std::size_t kMaxPage = 1000;
Result<PageRequest> page_of(const http::Request& request);
std::string next_cursor(const http::Request& request, std::string_view last);

// 16 hexadecimal digits that tell texts apart. No secret: for cursors and entity tags.
std::string fingerprint(std::string_view text);

// RFC 3339 in UTC with as many digits as it needs: "2024-05-01T10:31:00.25Z".
std::string time_text(WallTime time);
// RFC 3339 with Z or an offset. Nothing when it is no such time, or none between 1970 and 9999.
std::optional<WallTime> parse_time(std::string_view text);

}  // namespace millrace::api
