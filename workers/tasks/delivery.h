// A delivery's two halves that meet at its destination: what was staged, and how it is published.
//
// In the destination's folder:
//
//   manifest.json                what is delivered now: readers follow it
//   delays-00000.17.csv          a file of the delivery with order 17, whole once manifest.json
//   names it .staging/RUN-TASK-EPOCH/     files on their way .millrace.lock               held
//   (flock) while something is published
//
// publish() may be stopped anywhere and repeated any number of times.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::tasks {

struct DeliveredFile {
  std::string name;  // when staged "delays-00000.csv"
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::string checksum;

  friend bool operator==(const DeliveredFile&, const DeliveredFile&) = default;
};

// What the staging attempt hands over, and publish() takes.
struct Publication {
  std::string dataset;
  std::string snapshot_id;
  std::string run_id;
  std::uint32_t task_index = 0;
  std::uint64_t epoch = 0;
  std::vector<DeliveredFile> files;
};
std::string to_json(const Publication& publication);
// Error: deliver.publication_invalid (infrastructure), also for names that are paths.
Result<Publication> publication_from_json(std::string_view json);

// ".staging/RUN-TASK-EPOCH"
std::string staging_folder(const Publication& publication);
// "delays-00000.csv" → "delays-00000.17.csv"
std::string published_name(std::string_view name, std::int64_t order);

enum class PublishOutcome : std::uint8_t {
  kPublished,
  kAlready,     // by an earlier attempt of this very publication
  kSuperseded,  // a newer one is in place, and stays
};

// Puts the staged files in place in `folder`. Errors: deliver.locked (transient: another
// publication holds the lock), deliver.staging_lost, file.failed (infrastructure), task.cancelled,
// deliver.manifest_foreign (user: manifest.json is somebody else's).
Result<PublishOutcome> publish(const Publication& publication, std::int64_t order,
                               const std::string& folder, const std::stop_token& stop);

}  // namespace millrace::tasks
