#include "scheduler/dispatch/description_pages.h"

#include <utility>

#include "base/utf8.h"
#include "scheduler/dispatch/convert.h"

namespace millrace::scheduler {

namespace {

// Fills pages up to kDescriptionPageBytes and begins the next one.
class PageWriter {
 public:
  explicit PageWriter(const AttemptRef& attempt) : attempt_(to_proto(attempt)) { begin(); }

  task::v1alpha1::Description& page() { return pages_.back(); }

  // Room for `size` more bytes, in a new page if need be.
  task::v1alpha1::Description& room(std::size_t size) {
    if (filled_ > 0 && filled_ + size > kDescriptionPageBytes) begin();
    filled_ += size;
    return page();
  }

  // A text of any length, whole characters at a time.
  void text(std::string_view text, auto&& field) {
    while (!text.empty()) {
      if (filled_ >= kDescriptionPageBytes - 4) begin();
      const std::size_t size = whole_characters(text, kDescriptionPageBytes - filled_);
      field(page())->assign(text.substr(0, size));
      filled_ += size;
      text.remove_prefix(size);
    }
  }

  std::vector<task::v1alpha1::Description> take() { return std::move(pages_); }

 private:
  void begin() {
    pages_.emplace_back();
    *pages_.back().mutable_attempt() = attempt_;
    filled_ = 0;
  }

  task::v1alpha1::AttemptRef attempt_;
  std::vector<task::v1alpha1::Description> pages_;
  std::size_t filled_ = 0;
};

void write_input(PageWriter& writer, const DescribedInput& input) {
  using Page = task::v1alpha1::Description;
  const auto entry = [&](Page& page) {
    const int count = page.inputs_size();
    if (count > 0 && page.inputs(count - 1).dataset() == input.dataset)
      return page.mutable_inputs(count - 1);
    auto* added = page.add_inputs();
    added->set_dataset(input.dataset);
    return added;
  };
  entry(writer.room(input.dataset.size() + input.snapshot_id.size()))
      ->set_snapshot_id(input.snapshot_id);
  writer.text(input.schema_json, [&](Page& page) { return entry(page)->mutable_schema_json(); });
  for (const FileRow& file : input.files) {
    constexpr std::size_t kNumbers = 32;
    const std::size_t size =
        kNumbers + file.path.size() + file.checksum.size() + file.statistics_json.size();
    auto& row = *entry(writer.room(size))->add_files();
    row.set_path(file.path);
    row.set_rows(file.rows);
    row.set_bytes(file.bytes.value());
    row.set_checksum(file.checksum);
    row.set_statistics_json(file.statistics_json);
  }
}

}  // namespace

std::vector<task::v1alpha1::Description> to_pages(const Description& description) {
  using Page = task::v1alpha1::Description;
  PageWriter writer(description.attempt);
  Page& first = writer.room(description.ns.size() + description.run_name.size() +
                            description.task_name.size() + description.kind.size() +
                            description.installation.size());
  first.set_namespace_(description.ns);
  first.set_run_name(description.run_name);
  first.set_task_name(description.task_name);
  first.set_kind(description.kind);
  first.set_phase(description.phase == Phase::kPublish ? task::v1alpha1::PHASE_PUBLISH
                                                       : task::v1alpha1::PHASE_EXECUTE);
  first.set_publication_order(description.publication_order);
  first.set_installation(description.installation);
  writer.text(description.body_json, [](Page& page) { return page.mutable_body_json(); });
  writer.text(description.parameters_json,
              [](Page& page) { return page.mutable_parameters_json(); });
  writer.text(description.publication_json,
              [](Page& page) { return page.mutable_publication_json(); });
  for (const DescribedInput& input : description.inputs) write_input(writer, input);
  return writer.take();
}

}  // namespace millrace::scheduler
