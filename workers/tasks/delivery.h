// A delivery's two halves that meet at its destination: what was staged, and how it is published.
//
// In the destination's folder:
//
//   manifest.json                what is delivered now: readers follow it
//   delays-00000.17.csv          a file of the delivery with order 17, whole once manifest.json
//                                names it; delays-00000.17-2.csv where the name was taken
//   .staging/RUN-TASK-EPOCH/     files on their way
//   .millrace.lock               held (flock) while something is published
//
// Nothing else in the folder is touched. publish() may be stopped anywhere and repeated any number
// of times.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "workers/tasks/delivery_folder.h"

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

// When a publication was staged, among all of its installation: of two of one installation, the
// greater order is in place in the end. Those of two installations have no order; the later to
// publish is in place.
struct DeliveryTurn {
  std::string installation;
  std::int64_t order = 0;

  friend bool operator==(const DeliveryTurn&, const DeliveryTurn&) = default;
};

// Makes the folder in which the attempt stages its files; nobody else has been in it. What
// publish() needs is made as well. Errors: deliver.name_taken, deliver.manifest_foreign (user),
// file.failed (infrastructure), disk.full.
Result<DeliveryFolder> make_staging(const Publication& publication, const DeliveryFolder& folder);
void remove_staging(const Publication& publication, const DeliveryFolder& folder);
// "delays-00000.csv" → "delays-00000.17.csv", or "delays-00000.17-2.csv" for the second choice.
std::string published_name(std::string_view name, std::int64_t order, int choice = 1);

// deliver.destination_away: what the staging made is not there. To be tried again.
Error destination_away(const std::string& path);

enum class PublishOutcome : std::uint8_t {
  kPublished,
  kAlready,     // by an earlier attempt of this very publication
  kSuperseded,  // a newer one is in place, and stays
};

// Puts the staged files in place in `folder`. Errors: deliver.locked (transient: another
// publication holds the lock), deliver.destination_away (infrastructure: this is not the folder
// where they were staged), file.failed (infrastructure), task.cancelled, deliver.manifest_foreign,
// deliver.name_taken, deliver.staging_lost (user).
Result<PublishOutcome> publish(const Publication& publication, const DeliveryTurn& turn,
                               const DeliveryFolder& folder, const std::stop_token& stop);

}  // namespace millrace::tasks
