#include "workers/tasks/delivery.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/failpoint.h"
#include "base/file_error.h"
#include "lib/process/owned_fd.h"
#include "workers/kernel/written.h"

namespace millrace::tasks {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kLock = ".millrace.lock";
constexpr std::chrono::seconds kLockPatience{30};

bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

json to_json(const DeliveredFile& file) {
  return {
      {"name", file.name}, {"rows", file.rows}, {"bytes", file.bytes}, {"checksum", file.checksum}};
}

std::optional<DeliveredFile> file_from(const json& value) {
  if (!value.is_object()) return std::nullopt;
  DeliveredFile file{value.value("name", ""), value.value("rows", std::int64_t{-1}),
                     value.value("bytes", std::int64_t{-1}), value.value("checksum", "")};
  if (!is_file_name(file.name)) return std::nullopt;
  return file;
}

// What manifest.json says, as far as publishing needs it.
struct InPlace {
  std::int64_t order = -1;
  std::vector<std::string> files;
  std::vector<std::string> replaced;  // of the delivery before, perhaps still there
};

Result<std::optional<InPlace>> read_manifest(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (!fs::exists(path)) return std::optional<InPlace>();
    return file_error("opening", path, errno);
  }
  const json value = json::parse(file, nullptr, false);
  InPlace in_place;
  if (value.is_object() && value.contains("order") && value["order"].is_number_integer() &&
      value.contains("files") && value["files"].is_array()) {
    in_place.order = value["order"].get<std::int64_t>();
    for (const json& entry : value["files"])
      if (const auto known = file_from(entry)) in_place.files.push_back(known->name);
    for (const json& name : value.value("replaced", json::array()))
      if (name.is_string() && is_file_name(name.get<std::string>()))
        in_place.replaced.push_back(name.get<std::string>());
    return std::optional(std::move(in_place));
  }
  return Error{ErrorClass::kUser, "deliver.manifest_foreign",
               "\"" + path.string() + "\" is no manifest of a delivery",
               "deliver to a folder of its own"};
}

// Written beside its place, whole, and then put there by one rename.
Status write_whole(const fs::path& path, const std::string& content) {
  const fs::path beside = path.string() + ".new";
  {
    const process::OwnedFd file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file) return file_error("making", beside, errno);
    for (std::size_t at = 0; at < content.size();) {
      const ssize_t count = ::write(file.get(), content.data() + at, content.size() - at);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return file_error("writing", beside, errno);
      at += static_cast<std::size_t>(count);
    }
    if (::fsync(file.get()) != 0) return file_error("writing", beside, errno);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return file_error("replacing", path, errno);
  return kernel::sync_path(path.parent_path().string());
}

Error cancelled() {
  return Error{ErrorClass::kTransient, "task.cancelled", "the task was stopped"};
}

// The lock is the folder's, for as long as the descriptor is open; the kernel gives it up with the
// process.
Result<process::OwnedFd> lock_folder(const fs::path& folder, const std::stop_token& stop) {
  const fs::path path = folder / kLock;
  process::OwnedFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!lock) return file_error("opening", path, errno);
  const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return file_error("locking", path, errno);
    if (stop.stop_requested()) return cancelled();
    if (std::chrono::steady_clock::now() > deadline)
      return Error{ErrorClass::kTransient, "deliver.locked",
                   "another publication holds \"" + path.string() + "\""};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return lock;
}

Status move_into_place(const Publication& publication, std::int64_t order, const fs::path& folder) {
  const fs::path staging = folder / staging_folder(publication);
  for (const DeliveredFile& file : publication.files) {
    const fs::path from = staging / file.name;
    const fs::path to = folder / published_name(file.name, order);
    if (::rename(from.c_str(), to.c_str()) == 0) continue;
    if (errno != ENOENT) return file_error("moving", from, errno);
    // Moved by an attempt that did not come further.
    std::error_code error;
    if (fs::file_size(to, error) == static_cast<std::uintmax_t>(file.bytes) && !error) continue;
    return Error{ErrorClass::kInfrastructure, "deliver.staging_lost",
                 "\"" + from.string() + "\" is gone", "run the delivery again"};
  }
  return kernel::sync_path(folder.string());
}

std::string manifest_text(const Publication& publication, std::int64_t order,
                          const std::vector<std::string>& replaced) {
  json files = json::array();
  std::int64_t rows = 0;
  for (DeliveredFile file : publication.files) {
    rows += file.rows;
    file.name = published_name(file.name, order);
    files.push_back(to_json(file));
  }
  const json manifest{{"dataset", publication.dataset},
                      {"snapshot", publication.snapshot_id},
                      {"run", publication.run_id},
                      {"order", order},
                      {"rows", rows},
                      {"files", std::move(files)},
                      {"replaced", replaced}};
  return manifest.dump(2) + "\n";
}

// Files of the delivery before, but for those that this one has as well.
void remove_replaced(const fs::path& folder, const std::vector<std::string>& replaced,
                     const std::vector<std::string>& kept) {
  std::error_code error;
  for (const std::string& name : replaced)
    if (std::ranges::find(kept, name) == kept.end()) fs::remove(folder / name, error);
}

// Of this publication, and of attempts of its task that were before it and never published.
void remove_stagings(const Publication& publication, const fs::path& folder) {
  std::error_code error;
  const std::string mine = fs::path(staging_folder(publication)).filename().string();
  const std::string prefix = mine.substr(0, mine.rfind('-') + 1);
  std::vector<fs::path> old;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / ".staging", error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const std::string epoch = name.substr(prefix.size());
    const std::string own = std::to_string(publication.epoch);
    if (epoch.size() < own.size() || (epoch.size() == own.size() && epoch <= own))
      old.push_back(entry.path());
  }
  for (const fs::path& path : old) fs::remove_all(path, error);
  fs::remove(folder / ".staging", error);  // when it is empty
}

std::vector<std::string> published_names(const Publication& publication, std::int64_t order) {
  std::vector<std::string> names;
  names.reserve(publication.files.size());
  for (const DeliveredFile& file : publication.files)
    names.push_back(published_name(file.name, order));
  return names;
}

}  // namespace

std::string to_json(const Publication& publication) {
  json files = json::array();
  for (const DeliveredFile& file : publication.files) files.push_back(to_json(file));
  return json{{"dataset", publication.dataset}, {"snapshot", publication.snapshot_id},
              {"run", publication.run_id},      {"task", publication.task_index},
              {"epoch", publication.epoch},     {"files", std::move(files)}}
      .dump();
}

Result<Publication> publication_from_json(std::string_view text) {
  const Error invalid{ErrorClass::kInfrastructure, "deliver.publication_invalid",
                      "what is to be published is not what a staging hands over", "", ""};
  const json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return invalid;
  for (const char* const name : {"dataset", "snapshot", "run"})
    if (!value.contains(name) || !value[name].is_string()) return invalid;
  for (const char* const name : {"task", "epoch"})
    if (!value.contains(name) || !value[name].is_number_unsigned()) return invalid;
  if (!value.contains("files") || !value["files"].is_array()) return invalid;
  Publication publication{value["dataset"],
                          value["snapshot"],
                          value["run"],
                          value["task"].get<std::uint32_t>(),
                          value["epoch"].get<std::uint64_t>(),
                          {}};
  if (!is_file_name(publication.run_id)) return invalid;
  for (const json& entry : value["files"]) {
    std::optional<DeliveredFile> file = file_from(entry);
    if (!file.has_value()) return invalid;
    publication.files.push_back(*std::move(file));
  }
  return publication;
}

std::string staging_folder(const Publication& publication) {
  return ".staging/" + publication.run_id + "-" + std::to_string(publication.task_index) + "-" +
         std::to_string(publication.epoch);
}

std::string published_name(std::string_view name, std::int64_t order) {
  const std::size_t dot = std::min(name.rfind('.'), name.size());
  return std::string(name.substr(0, dot)) + "." + std::to_string(order) +
         std::string(name.substr(dot));
}

Result<PublishOutcome> publish(const Publication& publication, std::int64_t order,
                               const std::string& folder, const std::stop_token& stop) {
  const fs::path place(folder);
  MILLRACE_FAILPOINT("publish.before_lock");
  MILLRACE_TRY(lock, lock_folder(place, stop));
  MILLRACE_TRY(in_place, read_manifest(place / kManifest));
  const std::vector<std::string> names = published_names(publication, order);
  if (in_place.has_value() && in_place->order > order) {
    // What an attempt of ours moved before the newer one came.
    remove_replaced(place, names, in_place->files);
    remove_stagings(publication, place);
    return PublishOutcome::kSuperseded;
  }
  const bool already = in_place.has_value() && in_place->order == order;
  std::vector<std::string> replaced;
  if (already) {
    replaced = in_place->replaced;
  } else {
    if (stop.stop_requested()) return cancelled();
    if (in_place.has_value()) replaced = in_place->files;
    MILLRACE_FAILPOINT("publish.before_move");
    MILLRACE_RETURN_IF_ERROR(move_into_place(publication, order, place));
    MILLRACE_FAILPOINT("publish.after_move");
    MILLRACE_RETURN_IF_ERROR(
        write_whole(place / kManifest, manifest_text(publication, order, replaced)));
    MILLRACE_FAILPOINT("publish.after_manifest");
  }
  remove_replaced(place, replaced, names);
  remove_stagings(publication, place);
  return already ? PublishOutcome::kAlready : PublishOutcome::kPublished;
}

}  // namespace millrace::tasks
