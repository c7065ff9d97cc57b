#include "scheduler/engine/attachment.h"

namespace millrace::scheduler {

Bytes Attachment::size() const {
  std::size_t size =
      sizeof(Attachment) + outputs_json.size() + publication_json.size() + message.size();
  for (const Body& body : bodies) size += sizeof(Body) + body.content.size();
  for (const ResultWrite& write : writes) {
    size += sizeof(ResultWrite) + write.dataset.size() + write.schema_json.size();
    for (const FileRow& file : write.files)
      size +=
          sizeof(FileRow) + file.path.size() + file.checksum.size() + file.statistics_json.size();
  }
  return Bytes(static_cast<std::int64_t>(size));
}

}  // namespace millrace::scheduler
