#include "workers/tasks/delivery.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/failpoint.h"
#include "base/file_error.h"
#include "lib/process/owned_fd.h"
#include "workers/kernel/written.h"
#include "workers/tasks/delivery_manifest.h"

namespace millrace::tasks {
namespace {

using nlohmann::json;

constexpr const char* kStaging = ".staging";
constexpr const char* kLock = ".millrace.lock";
// In a staging folder, once somebody has tried to publish it: the turn that it has.
constexpr const char* kTurn = "turn.json";
constexpr std::chrono::seconds kLockPatience{30};
constexpr int kMaxChoices = 100;

// RUN-TASK-, and the epoch behind it.
std::string staging_prefix(const Publication& publication) {
  return publication.run_id + "-" + std::to_string(publication.task_index) + "-";
}
std::string staging_name(const Publication& publication) {
  return staging_prefix(publication) + std::to_string(publication.epoch);
}

// Where one that can't be had is as good as none.
template <typename T>
std::optional<T> if_any(Result<std::optional<T>> found) {
  return found.ok() ? std::move(found).value() : std::nullopt;
}

Error cancelled() {
  return Error{ErrorClass::kTransient, "task.cancelled", "the task was stopped"};
}

// The lock is the folder's, for as long as the descriptor is open; the kernel gives it up with the
// process.
Result<process::OwnedFd> lock_folder(const DeliveryFolder& folder, const std::stop_token& stop) {
  MILLRACE_TRY(opened, folder.open_file(kLock, O_RDWR));
  // The staging made it. A destination that is not mounted looks like a folder without.
  if (!opened.has_value()) return destination_away(folder.path_of(kLock));
  process::OwnedFd lock = *std::move(opened);
  const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return file_error("locking", folder.path_of(kLock), errno);
    if (stop.stop_requested()) return cancelled();
    if (std::chrono::steady_clock::now() > deadline)
      return Error{ErrorClass::kTransient, "deliver.locked",
                   "another publication holds \"" + folder.path_of(kLock) + "\""};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return lock;
}

Result<std::optional<DeliveryFolder>> find_staging(const Publication& publication,
                                                   const DeliveryFolder& folder) {
  MILLRACE_TRY(stagings, folder.find(kStaging));
  if (!stagings.has_value()) return std::optional<DeliveryFolder>();
  return stagings->find(staging_name(publication));
}

// Whether a file in place is that one, byte for byte.
bool is_the_same(const DeliveryFolder& folder, const std::string& name, const DeliveredFile& file) {
  const auto opened = if_any(folder.open_file(name, O_RDONLY));
  struct stat status{};
  if (!opened || ::fstat(opened->get(), &status) != 0 || status.st_size != file.bytes) return false;
  const auto checksum = kernel::checksum_of_file(folder.way_to(name));
  return checksum.ok() && *checksum == file.checksum;
}

// The name to which an attempt of this publication has moved a file that is staged no more. Nothing
// where it is still staged, or where it has gone altogether. What others had put there already,
// perhaps the same bytes, stands under the choices before.
std::optional<std::string> moved_name(const DeliveredFile& file, std::int64_t order,
                                      const std::optional<DeliveryFolder>& staging,
                                      const DeliveryFolder& folder,
                                      const std::optional<InPlace>& in_place) {
  if (staging.has_value() && staging->has(file.name)) return std::nullopt;
  for (int choice = kMaxChoices; choice >= 1; --choice) {
    std::string name = published_name(file.name, order, choice);
    const bool theirs =
        in_place.has_value() && std::ranges::find(in_place->files, name) != in_place->files.end();
    if (!theirs && is_the_same(folder, name, file)) return name;
  }
  return std::nullopt;
}

// Under the first name that is free: what stands there may be a person's, or of the delivery that
// is in place until manifest.json names another.
Result<std::string> move_into_place(const DeliveredFile& file, std::int64_t order,
                                    const std::optional<DeliveryFolder>& staging,
                                    const DeliveryFolder& folder,
                                    const std::optional<InPlace>& in_place) {
  if (auto moved = moved_name(file, order, staging, folder, in_place)) return *std::move(moved);
  const Error lost{
      ErrorClass::kUser, "deliver.staging_lost",
      "the staged \"" + file.name + "\" is gone from \"" + folder.path_of(kStaging) + "\"",
      "run the delivery again"};
  if (!staging.has_value()) return lost;
  for (int choice = 1; choice <= kMaxChoices; ++choice) {
    std::string name = published_name(file.name, order, choice);
    const int failure = staging->move_new(file.name, folder, name);
    if (failure == 0) return name;
    if (failure == ENOENT) return lost;
    if (failure != EEXIST) return file_error("moving", staging->path_of(file.name), failure);
  }
  return Error{ErrorClass::kUser, "deliver.name_taken",
               "\"" + folder.path_of(published_name(file.name, order)) +
                   "\" and all like it are there already",
               "deliver to a folder of its own"};
}

void remove_all_but(const DeliveryFolder& folder, const std::vector<std::string>& names,
                    const std::vector<std::string>& kept) {
  for (const std::string& name : names)
    if (std::ranges::find(kept, name) == kept.end()) folder.remove_file(name);
}

// No more than a wish: it lets a later publication know that this one's files may go.
void note_turn(const DeliveryFolder& staging, const DeliveryTurn& turn) {
  const auto file = if_any(staging.open_file(kTurn, O_WRONLY | O_CREAT | O_TRUNC));
  if (!file) return;
  const std::string text = json{{"installation", turn.installation}, {"order", turn.order}}.dump();
  if (::write(file->get(), text.data(), text.size()) < 0) staging.remove_file(kTurn);
}

std::optional<DeliveryTurn> noted_turn(const DeliveryFolder& stagings, const std::string& name) {
  const auto staging = if_any(stagings.find(name));
  if (!staging) return std::nullopt;
  const auto file = if_any(staging->open_file(kTurn, O_RDONLY));
  if (!file) return std::nullopt;
  std::string text(512, '\0');
  const ssize_t count = ::read(file->get(), text.data(), text.size());
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object() || !value.contains("order") || !value["order"].is_number_integer() ||
      !value.contains("installation") || !value["installation"].is_string())
    return std::nullopt;
  return DeliveryTurn{value["installation"], value["order"].get<std::int64_t>()};
}

// Of this publication, of attempts of its task that were before it and never published, and of
// those that somebody tried to publish, whose turn has passed.
void remove_stagings(const Publication& publication, const DeliveryTurn& turn,
                     const DeliveryFolder& folder) {
  const auto stagings = if_any(folder.find(kStaging));
  if (!stagings) return;
  const std::string prefix = staging_prefix(publication);
  const std::string own = std::to_string(publication.epoch);
  for (const std::string& name : stagings->names()) {
    bool over = false;
    if (name.starts_with(prefix)) {
      const std::string epoch = name.substr(prefix.size());
      over = epoch.size() < own.size() || (epoch.size() == own.size() && epoch <= own);
    } else if (const auto noted = noted_turn(*stagings, name)) {
      over = noted->installation == turn.installation && noted->order < turn.order;
    }
    if (over) stagings->remove_tree(name);
  }
  folder.remove_empty(kStaging);
}

// A newer delivery of the same installation is in place; or one of another has replaced this very
// publication, whose acknowledgement was lost.
bool gives_way(const Publication& publication, const DeliveryTurn& turn, const InPlace& in_place,
               const std::optional<DeliveryFolder>& staging) {
  if (in_place.turn.installation == turn.installation) return in_place.turn.order > turn.order;
  return !publication.files.empty() &&
         std::ranges::all_of(publication.files, [&](const DeliveredFile& file) {
           if (staging.has_value() && staging->has(file.name)) return false;
           for (int choice = 1; choice <= kMaxChoices; ++choice)
             if (std::ranges::find(in_place.replaced,
                                   published_name(file.name, turn.order, choice)) !=
                 in_place.replaced.end())
               return true;
           return false;
         });
}

}  // namespace

Error destination_away(const std::string& path) {
  return Error{ErrorClass::kInfrastructure, "deliver.destination_away",
               "\"" + path + "\", which the staging made, is not there",
               "mount the destination again"};
}

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

Result<DeliveryFolder> make_staging(const Publication& publication, const DeliveryFolder& folder) {
  // Publishing would fail for it: better now than after the rows are written.
  MILLRACE_RETURN_IF_ERROR(read_manifest(folder));
  MILLRACE_RETURN_IF_ERROR(folder.open_file(kLock, O_RDWR | O_CREAT));
  MILLRACE_TRY(stagings, folder.make(kStaging));
  const std::string name = staging_name(publication);
  // An epoch is placed once: what is there already is not this attempt's.
  if (stagings.has(name))
    return Error{ErrorClass::kInfrastructure, "file.failed",
                 "\"" + stagings.path_of(name) + "\" is there already"};
  MILLRACE_TRY(staging, stagings.make(name));
  MILLRACE_RETURN_IF_ERROR(stagings.sync());
  MILLRACE_RETURN_IF_ERROR(folder.sync());
  return staging;
}

void remove_staging(const Publication& publication, const DeliveryFolder& folder) {
  const auto stagings = if_any(folder.find(kStaging));
  if (!stagings) return;
  stagings->remove_tree(staging_name(publication));
  folder.remove_empty(kStaging);
}

std::string published_name(std::string_view name, std::int64_t order, int choice) {
  const std::size_t dot = std::min(name.rfind('.'), name.size());
  return std::string(name.substr(0, dot)) + "." + std::to_string(order) +
         (choice == 1 ? "" : "-" + std::to_string(choice)) + std::string(name.substr(dot));
}

Result<PublishOutcome> publish(const Publication& publication, const DeliveryTurn& turn,
                               const DeliveryFolder& folder, const std::stop_token& stop) {
  MILLRACE_FAILPOINT("publish.before_lock");
  MILLRACE_TRY(lock, lock_folder(folder, stop));
  MILLRACE_TRY(staging, find_staging(publication, folder));
  if (staging.has_value()) note_turn(*staging, turn);
  MILLRACE_TRY(in_place, read_manifest(folder));
  if (in_place.has_value() && gives_way(publication, turn, *in_place, staging)) {
    // What an attempt of ours moved before the newer one came.
    for (const DeliveredFile& file : publication.files)
      if (const auto moved = moved_name(file, turn.order, staging, folder, in_place))
        folder.remove_file(*moved);
    remove_stagings(publication, turn, folder);
    return PublishOutcome::kSuperseded;
  }
  if (in_place.has_value() && in_place->turn == turn) {
    remove_all_but(folder, in_place->replaced, in_place->files);
    remove_stagings(publication, turn, folder);
    return PublishOutcome::kAlready;
  }
  if (stop.stop_requested()) return cancelled();
  MILLRACE_FAILPOINT("publish.before_move");
  std::vector<DeliveredFile> files = publication.files;
  std::vector<std::string> names;
  for (DeliveredFile& file : files) {
    MILLRACE_TRY(name, move_into_place(file, turn.order, staging, folder, in_place));
    names.push_back(name);
    file.name = std::move(name);
  }
  MILLRACE_RETURN_IF_ERROR(folder.sync());
  MILLRACE_FAILPOINT("publish.after_move");
  const std::vector<std::string> replaced =
      in_place.has_value() ? in_place->files : std::vector<std::string>();
  MILLRACE_TRY(stagings, folder.make(kStaging));
  MILLRACE_TRY(aside, stagings.make(staging_name(publication)));
  MILLRACE_RETURN_IF_ERROR(write_manifest(publication, turn, files, replaced, aside, folder,
                                          /*first=*/!in_place.has_value()));
  MILLRACE_FAILPOINT("publish.after_manifest");
  remove_all_but(folder, replaced, names);
  remove_stagings(publication, turn, folder);
  return PublishOutcome::kPublished;
}

}  // namespace millrace::tasks
