#include "lib/http/router.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/check.h"
#include "lib/http/url.h"

namespace millrace::http {
namespace {

// "/a/b" → {"a", "b"}; "/a/" → {"a", ""}: a trailing slash is another path.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  std::size_t start = 1;
  while (start <= path.size()) {
    const auto end = std::min(path.find('/', start), path.size());
    segments.emplace_back(path.substr(start, end - start));
    start = end + 1;
  }
  return segments;
}

bool is_parameter(const std::string& segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// Decoded parameters when `segments` fit; an empty segment fits no parameter.
std::optional<Parameters> match(const std::vector<std::string>& pattern,
                                const std::vector<std::string>& segments) {
  if (pattern.size() != segments.size()) return std::nullopt;
  Parameters parameters;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    auto decoded = percent_decode(segments[i]);
    if (!decoded) return std::nullopt;
    if (!is_parameter(pattern[i])) {
      if (*decoded != pattern[i]) return std::nullopt;
      continue;
    }
    if (decoded->empty()) return std::nullopt;
    parameters.add(pattern[i].substr(1, pattern[i].size() - 2), std::move(*decoded));
  }
  return parameters;
}

// Sorts before `b` what is more literal at the first segment where they differ in kind.
bool more_literal(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (is_parameter(a[i]) != is_parameter(b[i])) return is_parameter(b[i]);
  return false;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler, RouteOptions options) {
  auto segments = split(pattern);
  auto entry = std::find_if(entries_.begin(), entries_.end(),
                            [&](const Entry& e) { return e.segments == segments; });
  if (entry == entries_.end()) {
    const auto place = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
      return more_literal(segments, e.segments);
    });
    entry = entries_.insert(place, Entry{std::move(segments), {}});
  }
  const bool known = std::any_of(entry->routes.begin(), entry->routes.end(),
                                 [&](const Route* route) { return route->method == method; });
  MILLRACE_CHECK(!known, "route twice: " + method + " " + pattern);
  routes_.push_back({std::move(method), std::move(pattern), std::move(handler), options});
  entry->routes.push_back(&routes_.back());
}

Router::Found Router::find(std::string_view method, std::string_view path) const {
  const auto segments = split(path);
  for (const Entry& entry : entries_) {
    auto parameters = match(entry.segments, segments);
    if (!parameters) continue;
    const Route* of_get = nullptr;
    for (const Route* route : entry.routes) {
      if (route->method == method) return Match{route, std::move(*parameters)};
      if (route->method == "GET") of_get = route;
    }
    if (method == "HEAD" && of_get != nullptr) return Match{of_get, std::move(*parameters)};
    std::set<std::string> methods{"OPTIONS"};
    bool open = true;
    for (const Route* route : entry.routes) {
      methods.insert(route->method);
      if (route->method == "GET") methods.insert("HEAD");
      open = open && route->options.open;
    }
    NoMethod refused{.allow = {}, .open = open};
    for (const std::string& name : methods)
      refused.allow += (refused.allow.empty() ? "" : ", ") + name;
    return refused;
  }
  return NoPath{};
}

}  // namespace millrace::http
