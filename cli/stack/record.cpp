#include "cli/stack/record.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace millrace::cli {
namespace {

using Json = nlohmann::json;

// Grows when a field changes its meaning; a record of a later version is not touched.
constexpr int kFormat = 1;
constexpr std::size_t kMaxRecord = 1 << 20;

Error invalid(const std::string& what) {
  return Error{ErrorClass::kUser, "up.record_invalid", "the stack's record " + what,
               "move it away: the next `millrace up` makes it anew, with the settings of `up` at "
               "their defaults"};
}

}  // namespace

std::string to_json(const StackRecord& record) {
  Json json = {{"format", kFormat},
               {"postgres_directory", record.postgres_directory.string()},
               {"sockets", record.sockets.string()},
               {"port", record.port},
               {"lease", record.lease},
               {"log_format", record.log_format},
               {"retention", record.retention},
               {"allowed", Json::array()},
               {"parts", Json::object()}};
  for (const auto& path : record.allowed) json["allowed"].push_back(path.string());
  for (const auto& [name, part] : record.parts)
    json["parts"][name] = {{"pid", part.id.pid},
                           {"start_ticks", part.id.start_ticks},
                           {"boot_id", part.id.boot_id},
                           {"arguments", part.arguments},
                           {"tokens", part.tokens}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<StackRecord> parse_record(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (const int format = json.at("format").get<int>(); format != kFormat)
      return invalid("has format " + std::to_string(format) + ", this program knows " +
                     std::to_string(kFormat));
    StackRecord record;
    record.postgres_directory = json.at("postgres_directory").get<std::string>();
    record.sockets = json.at("sockets").get<std::string>();
    record.port = json.at("port").get<int>();
    record.lease = json.at("lease").get<std::string>();
    record.log_format = json.value("log_format", "");  // not of a version before
    record.retention =
        json.value("retention", std::vector<std::string>());  // not of a version before
    for (const Json& path : json.at("allowed"))
      record.allowed.emplace_back(path.get<std::string>());
    for (const auto& [name, part] : json.at("parts").items())
      record.parts[name] = {
          {part.at("pid").get<pid_t>(), part.at("start_ticks").get<std::uint64_t>(),
           part.at("boot_id").get<std::string>()},
          part.at("arguments").get<std::vector<std::string>>(),
          part.value("tokens", "")};  // not of a version before
    if (record.port < 0 || record.port > 65'535) return invalid("has a port that is none");
    return record;
  } catch (const Json::exception&) {
    return invalid("can't be read");
  }
}

Result<std::optional<StackRecord>> read_record(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) return std::optional<StackRecord>();
    return Error{ErrorClass::kInfrastructure, "up.files", "can't read \"" + path.string() + "\"",
                 ""};
  }
  std::string text(kMaxRecord + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxRecord) return invalid("is too long").at(path.string());
  auto record = parse_record(text);
  if (!record.ok()) return Error(record.error()).at(path.string());
  return std::optional(std::move(*record));
}

}  // namespace millrace::cli
