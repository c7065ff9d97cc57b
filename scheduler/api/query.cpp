#include "scheduler/api/query.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <set>

#include "base/fnv1a.h"
#include "manifest/formats.h"
#include "scheduler/api/problems.h"

namespace millrace::api {
namespace {

std::string joined(std::initializer_list<std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

std::string digits_of(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 15]);
  }
  return text;
}

std::optional<std::string> bytes_of(std::string_view hex) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit(hex[i]);
    const int low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

// The list and its filters: everything in the URL that a cursor is bound to.
std::string fingerprint(const http::Request& request) {
  std::uint64_t hash = fnv1a(request.path);
  auto values = request.query.values();
  std::sort(values.begin(), values.end());
  for (const auto& [name, value] : values) {
    if (name == "limit" || name == "cursor") continue;
    hash = fnv1a(value, fnv1a("=", fnv1a(name, fnv1a("&", hash))));
  }
  return digits_of(hash);
}

template <typename Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size();
}

Result<std::string> checked(const http::Request& request, std::string_view parameter,
                            manifest::Format format, std::string_view rule) {
  std::string value = request.parameter(parameter);
  if (value.size() > 63 || !manifest::has_format(format, value))
    return invalid_request(std::string(parameter), "\"" + value.substr(0, 80) + "\" is no name",
                           std::string(rule));
  return value;
}

}  // namespace

std::string fingerprint(std::string_view text) { return digits_of(fnv1a(text)); }

Status check_query(const http::Request& request, std::initializer_list<std::string_view> known) {
  std::set<std::string_view> seen;
  for (const auto& [name, value] : request.query.values()) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return invalid_request(
          name, "unknown query parameter",
          known.size() == 0 ? "this path takes none" : "known: " + joined(known));
    if (!seen.insert(name).second) return invalid_request(name, "query parameter given twice");
  }
  return ok_status();
}

Result<std::optional<std::int64_t>> integer_query(const http::Request& request,
                                                  std::string_view name, std::int64_t minimum,
                                                  std::int64_t maximum) {
  const auto text = request.query.get(name);
  if (!text) return std::optional<std::int64_t>();
  std::int64_t value = 0;
  if (!parse_number(std::string_view(*text), value) || value < minimum || value > maximum)
    return invalid_request(std::string(name), "\"" + *text + "\" is no whole number between " +
                                                  std::to_string(minimum) + " and " +
                                                  std::to_string(maximum));
  return std::optional<std::int64_t>(value);
}

Result<bool> boolean_query(const http::Request& request, std::string_view name) {
  const auto text = request.query.get(name);
  if (!text || *text == "false") return false;
  if (*text == "true") return true;
  return invalid_request(std::string(name), "\"" + *text + "\" is neither true nor false");
}

Result<bool> dry_run_of(const http::Request& request) {
  const auto text = request.query.get("dryRun");
  if (!text) return false;
  if (*text == "All") return true;
  return invalid_request("dryRun", "\"" + *text + "\" is not known", "say All");
}

Result<std::string> label_of(const http::Request& request, std::string_view parameter) {
  return checked(request, parameter, manifest::Format::kLabel,
                 "use a-z, 0-9 and -, at most 63 characters");
}

Result<std::string> name_of(const http::Request& request, std::string_view parameter) {
  return checked(request, parameter, manifest::Format::kName,
                 "use a-z, 0-9 and _, begin with a letter, at most 63 characters");
}

Result<scheduler::NamespacedName> labels_of(const http::Request& request,
                                            std::string_view parameter) {
  MILLRACE_TRY(ns, label_of(request, "ns"));
  MILLRACE_TRY(name, label_of(request, parameter));
  return scheduler::NamespacedName{std::move(ns), std::move(name)};
}

Result<PageRequest> page_of(const http::Request& request) {
  MILLRACE_TRY(limit, integer_query(request, "limit", 1, kMaxPage));
  PageRequest page;
  if (limit) page.limit = static_cast<std::size_t>(*limit);
  const auto cursor = request.query.get("cursor");
  if (!cursor) return page;
  const auto dot = cursor->find('.');
  const auto after = dot == std::string::npos ? std::nullopt : bytes_of(cursor->substr(dot + 1));
  if (!after || after->empty() || cursor->substr(0, dot) != fingerprint(request))
    return invalid_request("cursor", "the cursor belongs to no such list",
                           "take `next` of the list's last page, with the same filters");
  page.after = *after;
  return page;
}

std::string next_cursor(const http::Request& request, std::string_view last) {
  return fingerprint(request) + "." + hex_of(last);
}

std::string time_text(WallTime time) {
  constexpr std::int64_t kSecond = 1'000'000;
  std::int64_t fraction = time.value() % kSecond;
  std::int64_t whole = time.value() / kSecond;
  if (fraction < 0) {
    fraction += kSecond;
    --whole;
  }
  const auto clock = static_cast<std::time_t>(whole);
  std::tm utc{};
  gmtime_r(&clock, &utc);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
  std::string out = text;
  if (fraction != 0) {
    std::snprintf(text, sizeof text, ".%06lld", static_cast<long long>(fraction));
    out += text;
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

std::optional<WallTime> parse_time(std::string_view text) {
  // "2024-05-01T10:31:00" and then an optional fraction and the zone.
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  int part[6];
  constexpr std::size_t kStart[6] = {0, 5, 8, 11, 14, 17};
  for (int i = 0; i < 6; ++i)
    if (!parse_number(text.substr(kStart[i], i == 0 ? 4 : 2), part[i]) || part[i] < 0)
      return std::nullopt;
  text.remove_prefix(19);
  std::int64_t micros = 0;
  if (text.front() == '.') {
    const auto end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    if (end == 1) return std::nullopt;
    std::string digits(text.substr(1, std::min<std::size_t>(end - 1, 6)));
    digits.resize(6, '0');
    if (!parse_number(std::string_view(digits), micros)) return std::nullopt;
    text.remove_prefix(end);
  }
  std::int64_t offset_minutes = 0;
  if (text != "Z" && text != "z") {
    int hours = 0;
    int minutes = 0;
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
        !parse_number(text.substr(1, 2), hours) || !parse_number(text.substr(4, 2), minutes) ||
        hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
      return std::nullopt;
    offset_minutes = (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
  }
  std::tm utc{};
  utc.tm_year = part[0] - 1900;
  utc.tm_mon = part[1] - 1;
  utc.tm_mday = part[2];
  utc.tm_hour = part[3];
  utc.tm_min = part[4];
  utc.tm_sec = part[5];
  const std::tm given = utc;
  const std::time_t clock = timegm(&utc);
  // timegm() mends the 31st of June; a person who wrote it meant something else.
  if (utc.tm_mon != given.tm_mon || utc.tm_mday != given.tm_mday || utc.tm_hour != given.tm_hour ||
      utc.tm_min != given.tm_min || utc.tm_sec != given.tm_sec || part[0] < 1970)
    return std::nullopt;
  const std::int64_t seconds_since = static_cast<std::int64_t>(clock) - offset_minutes * 60;
  if (seconds_since < 0) return std::nullopt;
  return WallTime(seconds_since * 1'000'000 + micros);
}

}  // namespace millrace::api
