#include "workers/tasks/delivery_manifest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file_error.h"

namespace millrace::tasks {
namespace {

using nlohmann::json;

constexpr const char* kManifest = "manifest.json";
// A publication's description is bounded by 64 KiB, and this names its files twice at most.
constexpr std::size_t kMaxBytes = 1 << 20;

Error foreign(const DeliveryFolder& folder) {
  return Error{ErrorClass::kUser, "deliver.manifest_foreign",
               "\"" + folder.path_of(kManifest) + "\" is no manifest of a delivery",
               "deliver to a folder of its own"};
}

// Nothing when there is more than the bound.
Result<std::optional<std::string>> read_all(int fd, const std::string& path) {
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + (64 << 10));
    const ssize_t count = ::read(fd, text.data() + before, text.size() - before);
    if (count < 0 && errno != EINTR) return file_error("reading", path, errno);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return std::optional(std::move(text));
    if (text.size() > kMaxBytes) return std::optional<std::string>();
  }
}

std::optional<std::string> text_at(const json& value, const char* name) {
  const auto found = value.find(name);
  if (found == value.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::int64_t> number_at(const json& value, const char* name) {
  const auto found = value.find(name);
  if (found == value.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

// What every manifest of a delivery has; a stranger's file has not all of it.
std::optional<InPlace> in_place_from(const json& value) {
  if (!value.is_object()) return std::nullopt;
  const auto order = number_at(value, "order");
  const auto files = value.find("files");
  if (!order || !text_at(value, "dataset") || !text_at(value, "snapshot") ||
      !text_at(value, "run") || files == value.end() || !files->is_array())
    return std::nullopt;
  InPlace in_place{{text_at(value, "installation").value_or(""), *order}, {}, {}};
  for (const json& entry : *files) {
    auto file = file_from(entry);
    if (!file) return std::nullopt;
    in_place.files.push_back(std::move(file->name));
  }
  if (const auto replaced = value.find("replaced"); replaced != value.end())
    for (const json& name : *replaced) {
      if (!name.is_string() || !is_file_name(name.get_ref<const std::string&>()))
        return std::nullopt;
      in_place.replaced.push_back(name.get<std::string>());
    }
  return in_place;
}

Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error("writing", path, errno);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(fd) != 0) return file_error("writing", path, errno);
  return ok_status();
}

}  // namespace

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
  auto name = text_at(value, "name");
  auto checksum = text_at(value, "checksum");
  const auto rows = number_at(value, "rows");
  const auto bytes = number_at(value, "bytes");
  if (!name || !is_file_name(*name) || !checksum || !rows || !bytes) return std::nullopt;
  return DeliveredFile{*std::move(name), *rows, *bytes, *std::move(checksum)};
}

Result<std::optional<InPlace>> read_manifest(const DeliveryFolder& folder) {
  auto opened = folder.open_file(kManifest, O_RDONLY);
  if (!opened.ok())
    return opened.error().error_class == ErrorClass::kUser ? foreign(folder) : opened.error();
  const std::optional<process::OwnedFd> file = *std::move(opened);
  if (!file.has_value()) return std::optional<InPlace>();
  MILLRACE_TRY(text, read_all(file->get(), folder.path_of(kManifest)));
  if (!text.has_value()) return foreign(folder);
  auto in_place = in_place_from(json::parse(*text, nullptr, /*allow_exceptions=*/false));
  if (!in_place.has_value()) return foreign(folder);
  return in_place;
}

Status write_manifest(const Publication& publication, const DeliveryTurn& turn,
                      const std::vector<DeliveredFile>& files,
                      const std::vector<std::string>& replaced, const DeliveryFolder& aside,
                      const DeliveryFolder& folder, bool first) {
  json entries = json::array();
  std::int64_t rows = 0;
  for (const DeliveredFile& file : files) {
    rows += file.rows;
    entries.push_back(to_json(file));
  }
  const json manifest{{"dataset", publication.dataset},
                      {"snapshot", publication.snapshot_id},
                      {"run", publication.run_id},
                      {"installation", turn.installation},
                      {"order", turn.order},
                      {"rows", rows},
                      {"files", std::move(entries)},
                      {"replaced", replaced}};
  {
    MILLRACE_TRY(file, aside.open_file(kManifest, O_WRONLY | O_CREAT | O_TRUNC));
    if (!file.has_value()) return file_error("making", aside.path_of(kManifest), ENOENT);
    MILLRACE_RETURN_IF_ERROR(
        write_all(file->get(), manifest.dump(2) + "\n", aside.path_of(kManifest)));
  }
  const int failure = first ? aside.move_new(kManifest, folder, kManifest)
                            : aside.move_over(kManifest, folder, kManifest);
  if (failure == EEXIST || failure == EISDIR) return foreign(folder);
  if (failure != 0) return file_error("replacing", folder.path_of(kManifest), failure);
  return folder.sync();
}

}  // namespace millrace::tasks
