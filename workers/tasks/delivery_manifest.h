// manifest.json of a folder of deliveries: read as what a stranger may have put there, written
// whole. Readers follow it, and so does the next delivery, to know which files it replaces.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "workers/tasks/delivery.h"
#include "workers/tasks/delivery_folder.h"

namespace millrace::tasks {

// What manifest.json says, as far as publishing needs it.
struct InPlace {
  DeliveryTurn turn;
  std::vector<std::string> files;
  std::vector<std::string> replaced;  // of the delivery before, perhaps still there
};

// Nothing where there is none. Error: deliver.manifest_foreign (user) for anything under that name
// that no delivery wrote.
Result<std::optional<InPlace>> read_manifest(const DeliveryFolder& folder);

// `files` as they are named in `folder`. Written in `aside`, and put in place whole. `first`: there
// is none yet, and one that comes meanwhile is deliver.manifest_foreign.
Status write_manifest(const Publication& publication, const DeliveryTurn& turn,
                      const std::vector<DeliveredFile>& files,
                      const std::vector<std::string>& replaced, const DeliveryFolder& aside,
                      const DeliveryFolder& folder, bool first);

// A file's entry, in a manifest and in a publication; nothing for what is none, whatever it is.
nlohmann::json to_json(const DeliveredFile& file);
std::optional<DeliveredFile> file_from(const nlohmann::json& value);
bool is_file_name(std::string_view name);

}  // namespace millrace::tasks
