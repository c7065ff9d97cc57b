// The parts that the generated codec is made of: basic values, lists, maps, fields that may be
// absent. Inside manifest/ only. decode() takes JSON that validate() has passed and trusts it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/units.h"
#include "manifest/generated/codec.h"
#include "manifest/json.h"
#include "manifest/quantity.h"
#include "manifest/value.h"

namespace millrace::manifest::codec {

inline void decode(const Json& json, std::string& out) { out = json.get<std::string>(); }
inline void decode(const Json& json, std::int64_t& out) { out = json.get<std::int64_t>(); }
inline void decode(const Json& json, bool& out) { out = json.get<bool>(); }
inline void decode(const Json& json, Micros& out) {
  out = parse_duration(json.get_ref<const std::string&>()).value();
}
inline void decode(const Json& json, MilliCpu& out) {
  out = parse_cpu(json.get_ref<const std::string&>()).value();
}
inline void decode(const Json& json, Bytes& out) {
  out = parse_bytes(json.get_ref<const std::string&>()).value();
}
inline void decode(const Json& json, Value& out) {
  if (json.is_string()) {
    out = json.get<std::string>();
  } else if (json.is_boolean()) {
    out = json.get<bool>();
  } else if (json.is_number()) {
    out = json.get<std::int64_t>();
  } else {
    out = json.get<std::vector<std::string>>();
  }
}

inline Json encode(const std::string& value) { return value; }
inline Json encode(std::int64_t value) { return value; }
inline Json encode(bool value) { return value; }
inline Json encode(Micros value) { return format_duration(value); }
inline Json encode(MilliCpu value) { return format_cpu(value); }
inline Json encode(Bytes value) { return format_bytes(value); }
inline Json encode(const Value& value) {
  return std::visit([](const auto& held) -> Json { return held; }, value);
}

template <typename Enum, std::size_t kCount>
void decode_enum(const Json& json,
                 const std::array<std::pair<std::string_view, Enum>, kCount>& names, Enum& out) {
  const auto& text = json.get_ref<const std::string&>();
  for (const auto& [name, value] : names) {
    if (name != text) continue;
    out = value;
    return;
  }
  MILLRACE_CHECK(false, "an enum's value that was not validated");
}

template <typename T>
void decode_field(const Json& json, const char* name, T& out) {
  if (auto it = json.find(name); it != json.end()) decode(*it, out);
}
template <typename T>
void decode_field(const Json& json, const char* name, std::optional<T>& out) {
  if (auto it = json.find(name); it != json.end()) decode(*it, out.emplace());
}
template <typename T>
void encode_field(Json& json, const char* name, const T& value) {
  json[name] = encode(value);
}
template <typename T>
void encode_field(Json& json, const char* name, const std::optional<T>& value) {
  if (value) json[name] = encode(*value);
}

// A list that is absent is empty, and the other way round.
template <typename T>
void decode_list(const Json& json, const char* name, std::vector<T>& out) {
  auto it = json.find(name);
  if (it == json.end()) return;
  out.reserve(it->size());
  for (const Json& item : *it) decode(item, out.emplace_back());
}
template <typename T>
void encode_list(Json& json, const char* name, const std::vector<T>& value) {
  if (value.empty()) return;
  Json& list = json[name] = Json::array();
  for (const T& item : value) list.push_back(encode(item));
}
// Where the two differ (presence in the fragment).
template <typename T>
void decode_list(const Json& json, const char* name, std::optional<std::vector<T>>& out) {
  if (json.contains(name)) decode_list(json, name, out.emplace());
}
template <typename T>
void encode_list(Json& json, const char* name, const std::optional<std::vector<T>>& value) {
  if (!value) return;
  json[name] = Json::array();
  encode_list(json, name, *value);
}

inline void decode_map(const Json& json, const char* name,
                       std::map<std::string, std::string>& out) {
  if (auto it = json.find(name); it != json.end())
    out = it->get<std::map<std::string, std::string>>();
}
inline void encode_map(Json& json, const char* name,
                       const std::map<std::string, std::string>& value) {
  if (!value.empty()) json[name] = value;
}

}  // namespace millrace::manifest::codec
