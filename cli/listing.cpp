#include "cli/listing.h"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cli/text.h"
#include "cli/yaml_text.h"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

using Path = std::vector<const char*>;

const Json& at(const Json& object, const Path& path) {
  static const Json kNothing;
  const Json* here = &object;
  for (const char* name : path) {
    if (!here->is_object()) return kNothing;
    const auto it = here->find(name);
    if (it == here->end()) return kNothing;
    here = &*it;
  }
  return *here;
}

std::string text(const Json& object, const Path& path) {
  const Json& value = at(object, path);
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  return value.is_null() || value.is_structured() ? std::string() : value.dump();
}

std::int64_t number(const Json& object, const Path& path) {
  const Json& value = at(object, path);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

std::string joined(const Json& list) {
  std::string names;
  if (list.is_array())
    for (const Json& name : list)
      if (name.is_string()) names += (names.empty() ? "" : ", ") + name.get<std::string>();
  return printable(names);
}

struct Field {
  Column column;
  std::function<std::string(const Json&, WallTime)> value;
};

Field plain(const char* title, const Path& path) {
  return {{title}, [path](const Json& object, WallTime) { return text(object, path); }};
}
Field count(const char* title, const Path& path) {
  return {{title, true},
          [path](const Json& object, WallTime) { return grouped(number(object, path)); }};
}
// Of a text that may be very long.
Field cut(const char* title, const Path& path) {
  constexpr int kWidth = 60;
  return {{title},
          [path](const Json& object, WallTime) { return fit(text(object, path), kWidth); }};
}
Field size(const char* title, const Path& path) {
  return {{title, true},
          [path](const Json& object, WallTime) { return bytes_text(number(object, path)); }};
}
Field age(const char* title, const Path& path) {
  return {{title}, [path](const Json& object, WallTime now) {
            const WallTime time = parse_time(text(object, path));
            return time.value() == 0 ? std::string() : age_text(now - time);
          }};
}

std::string run_message(const Json& run, WallTime) {
  const std::string message = text(run, {"status", "message"});
  return message.empty() ? text(run, {"status", "lastError"}) : message;
}

const std::map<std::string, std::vector<Field>>& tables() {
  static const std::map<std::string, std::vector<Field>> kTables = {
      {"workflows",
       {plain("NAME", {"metadata", "name"}),
        plain("QUEUE", {"spec", "queue"}),
        {{"TASKS", true},
         [](const Json& json, WallTime) {
           return std::to_string(at(json, {"spec", "tasks"}).size());
         }},
        count("GENERATION", {"metadata", "generation"})}},
      {"runs",
       {plain("NAME", {"metadata", "name"}),
        plain("WORKFLOW", {"spec", "workflow"}),
        plain("PHASE", {"status", "phase"}),
        plain("DONE", {"status", "done"}),
        age("AGE", {"metadata", "creationTimestamp"}),
        {{"MESSAGE"}, run_message}}},
      {"tasks",
       {plain("NAME", {"name"}),
        plain("KIND", {"kind"}),
        plain("STATE", {"state"}),
        count("ATTEMPT", {"attempt"}),
        plain("WORKER", {"worker"}),
        age("SINCE", {"since"}),
        {{"NEEDS"}, [](const Json& json, WallTime) { return joined(at(json, {"needs"})); }},
        plain("MESSAGE", {"message"})}},
      {"datasets",
       {plain("NAME", {"metadata", "name"}), count("ROWS", {"status", "rows"}),
        count("FILES", {"status", "files"}), size("SIZE", {"status", "bytes"}),
        age("UPDATED", {"status", "updatedAt"}), plain("SNAPSHOT", {"status", "snapshot"})}},
      {"snapshots",
       {plain("ID", {"id"}), plain("MODE", {"mode"}), count("ROWS", {"rows"}),
        count("FILES", {"files"}), size("SIZE", {"bytes"}), age("AGE", {"committedAt"}),
        plain("RUN", {"run"}), plain("TASK", {"task"})}},
      {"quarantine",
       {plain("FILE", {"file"}), count("RECORD", {"record"}), count("LINE", {"line"}),
        count("BYTE", {"byte_offset"}), plain("COLUMN", {"column"}),
        plain("ERROR", {"error_class"}), cut("RAW", {"raw"})}},
  };
  return kTables;
}

std::string name_of(const std::string& collection, const Json& object) {
  const std::string name = text(object, {"metadata", "name"});
  if (!name.empty()) return name;
  if (collection == "quarantine") return text(object, {"file"}) + ":" + text(object, {"line"});
  return text(object, {collection == "snapshots" ? "id" : "name"});
}

}  // namespace

std::string listing_text(const std::string& collection, const std::string& body, Format format,
                         WallTime now) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return body;
  if (format == Format::kJson)
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (format == Format::kYaml) return yaml_of_json(body);
  const bool is_list = json.is_object() && json.contains("items");
  const Json items = is_list ? json.at("items") : Json::array({json});
  if (format == Format::kName) {
    std::string names;
    for (const Json& item : items) names += name_of(collection, item) + "\n";
    return names;
  }
  const std::vector<Field>& fields = tables().at(collection);
  std::vector<Column> columns;
  columns.reserve(fields.size());
  for (const Field& field : fields) columns.push_back(field.column);
  std::vector<std::vector<std::string>> rows;
  for (const Json& item : items) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Field& field : fields) row.push_back(field.value(item, now));
  }
  return table_text(columns, rows);
}

}  // namespace millrace::cli
