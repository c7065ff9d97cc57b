// Values that events, specs and state share, to and from their encoding. Internal to the codec.
#pragma once

#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "millrace/log/v1alpha1/log.pb.h"
#include "scheduler/core/events.h"
#include "scheduler/store/codec.h"

namespace millrace::scheduler::codec {

namespace pb = millrace::log::v1alpha1;

inline Error broken(std::string what) {
  return Error{ErrorClass::kInfrastructure, "log.broken",
               "the log can't be read: " + std::move(what), "restore the database from a backup",
               ""};
}
inline Error unknown(std::string what) {
  return Error{ErrorClass::kInfrastructure, "log.unknown",
               "the log holds " + std::move(what) + ", which this version does not know",
               "upgrade the scheduler"};
}

// --- enums: in the proto one more than here, so that 0 is "not said"
// --------------------------------

template <typename Proto, typename Enum>
Proto encode_enum(Enum value) {
  return static_cast<Proto>(static_cast<int>(value) + 1);
}
template <typename Enum>
Status decode_enum(int value, Enum last, Enum& out) {
  if (value < 1 || value > static_cast<int>(last) + 1) {
    return unknown("the value " + std::to_string(value) + " of an enumeration");
  }
  out = static_cast<Enum>(value - 1);
  return ok_status();
}
inline Status decode(int value, Phase& out) { return decode_enum(value, Phase::kPublish, out); }
inline Status decode(int value, RunOn& out) { return decode_enum(value, RunOn::kAlways, out); }
inline Status decode(int value, WriteMode& out) {
  return decode_enum(value, WriteMode::kAppend, out);
}
inline Status decode(int value, OnConflict& out) {
  return decode_enum(value, OnConflict::kFail, out);
}
inline Status decode(int value, DesiredState& out) {
  return decode_enum(value, DesiredState::kCancelled, out);
}
inline Status decode(int value, TaskState& out) {
  return decode_enum(value, TaskState::kCancelled, out);
}
inline Status decode(int value, RunOutcome& out) {
  return decode_enum(value, RunOutcome::kTimedOut, out);
}
inline Status decode(int value, ErrorClass& out) {
  return decode_enum(value, ErrorClass::kPolicy, out);
}
inline Status decode(int value, RetryRow::Action& out) {
  return decode_enum(value, RetryRow::Action::kFailRun, out);
}

// --- ids and hashes
// ----------------------------------------------------------------------------------

inline void put_big_endian(std::uint64_t value, char* to) {
  for (int i = 7; i >= 0; --i, value >>= 8) to[i] = static_cast<char>(value & 0xFF);
}
inline std::uint64_t get_big_endian(const char* from) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | static_cast<unsigned char>(from[i]);
  return value;
}

template <typename Tag>
std::string encode(Id<Tag> id) {
  if (id.is_nil()) return {};
  std::string bytes(16, '\0');
  put_big_endian(id.raw().high, bytes.data());
  put_big_endian(id.raw().low, bytes.data() + 8);
  return bytes;
}
template <typename Tag>
Status decode(const std::string& bytes, Id<Tag>& out) {
  if (bytes.empty()) {
    out = {};
    return ok_status();
  }
  if (bytes.size() != 16) return broken("an id of " + std::to_string(bytes.size()) + " bytes");
  out = Id<Tag>(RawId{get_big_endian(bytes.data()), get_big_endian(bytes.data() + 8)});
  return ok_status();
}

inline std::string encode(const BodyHash& hash) {
  if (hash == BodyHash{}) return {};
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}
inline Status decode(const std::string& bytes, BodyHash& out) {
  out = {};
  if (bytes.empty()) return ok_status();
  if (bytes.size() != out.size())
    return broken("a hash of " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(out.data(), bytes.data(), out.size());
  return ok_status();
}

// --- small structs
// -----------------------------------------------------------------------------------

inline void encode(const Resources& from, pb::Resources& to) {
  to.set_cpu_millis(from.cpu.value());
  to.set_memory_bytes(from.memory.value());
  to.set_disk_bytes(from.disk.value());
}
inline void decode(const pb::Resources& from, Resources& to) {
  to = {MilliCpu(from.cpu_millis()), Bytes(from.memory_bytes()), Bytes(from.disk_bytes())};
}

inline void encode(const NamespacedName& from, pb::NamespacedName& to) {
  to.set_ns(from.ns);
  to.set_name(from.name);
}
inline void decode(const pb::NamespacedName& from, NamespacedName& to) {
  to = {from.ns(), from.name()};
}

inline void encode(const events::Pin& from, pb::Pin& to) {
  to.set_dataset(from.dataset);
  to.set_snapshot(encode(from.snapshot));
}
inline Status decode(const pb::Pin& from, events::Pin& to) {
  to.dataset = from.dataset();
  return decode(from.snapshot(), to.snapshot);
}

// Repeated messages, element by element, with the overloads above and beside the caller.
template <typename From, typename To>
void encode_all(const std::vector<From>& from, To& to) {
  to.Reserve(static_cast<int>(from.size()));
  for (const From& item : from) encode(item, *to.Add());
}
template <typename From, typename To>
Status decode_all(const From& from, std::vector<To>& to) {
  to.resize(static_cast<std::size_t>(from.size()));
  for (int i = 0; i < from.size(); ++i) {
    MILLRACE_RETURN_IF_ERROR(decode(from.Get(i), to[static_cast<std::size_t>(i)]));
  }
  return ok_status();
}

template <typename Message>
bool parse(std::string_view bytes, Message& message) {
  return bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()) &&
         message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

// --- specs (codec_spec.cpp)
// --------------------------------------------------------------------------

void encode(const WorkflowSpec& from, pb::WorkflowSpec& to);
Status decode(const pb::WorkflowSpec& from, WorkflowSpec& to);

// Numbers specs as they are met, from 1; 0 stands for none. Told apart by address: they are shared.
class SpecTable {
 public:
  std::uint32_t place_of(const WorkflowSpecRef& spec);
  // Those met since the last call, in order.
  std::vector<WorkflowSpecRef> take_new() { return std::exchange(new_, {}); }

 private:
  std::map<const WorkflowSpec*, std::uint32_t> places_;
  std::vector<WorkflowSpecRef> new_;
};

// The spec at `place`; null for 0.
Status spec_at(const std::vector<WorkflowSpecRef>& specs, std::uint32_t place,
               WorkflowSpecRef& out);
// Appends what `encoded` holds.
template <typename Repeated>
Status decode_specs(const Repeated& encoded, SpecPool& pool, std::vector<WorkflowSpecRef>& specs) {
  for (const pb::WorkflowSpec& spec : encoded) {
    auto got = pool.get(spec.SerializeAsString());
    if (!got.ok()) return std::move(got).error();
    specs.push_back(std::move(*got));
  }
  return ok_status();
}

}  // namespace millrace::scheduler::codec
