// Attachment: what travels through the core unread and is written in the transaction of its event.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/core/types.h"

namespace millrace::scheduler {

// A text kept by its SHA-256: a document, parameters, a schema. Canonical JSON.
struct Body {
  BodyHash hash{};
  std::string content;
};

// One immutable data file; see millrace.task.v1alpha1.FileRow.
struct FileRow {
  std::string path;
  std::int64_t rows = 0;
  Bytes bytes;
  std::string checksum;
  std::string statistics_json;
  friend bool operator==(const FileRow&, const FileRow&) = default;
};

// Figures of an attempt; see millrace.task.v1alpha1.Usage.
struct Usage {
  Micros cpu;
  Bytes memory_peak;
  Bytes disk_peak;
  std::int64_t rows_read = 0;
  std::int64_t rows_written = 0;
  Bytes bytes_read;
  Bytes bytes_written;
  Micros wall;
  friend bool operator==(const Usage&, const Usage&) = default;
};

struct ResultWrite {
  std::string dataset;
  std::string schema_json;
  BodyHash schema_hash{};
  std::int64_t rows = 0;
  std::vector<FileRow> files;
};

struct Attachment {
  std::vector<Body> bodies;         // of PutDocument and SubmitRun
  std::vector<ResultWrite> writes;  // of AttemptSucceeded, same order as its `writes`
  std::string outputs_json;         // "" or an object
  std::string publication_json;     // "" unless the attempt staged something
  std::string message;
  Usage usage;
  // About how much memory it holds, for the bound on what waits in the loop.
  Bytes size() const;
};

}  // namespace millrace::scheduler
