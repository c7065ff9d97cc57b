#include "workers/runner/description.h"

#include <algorithm>
#include <string>
#include <utility>

namespace millrace::runner {
namespace {

using task::v1alpha1::Description;
using task::v1alpha1::Input;

Input& input_of(Description& whole, const std::string& dataset) {
  auto& inputs = *whole.mutable_inputs();
  // Nearly always the last one: a dataset's chunks follow each other.
  const auto found = std::find_if(inputs.rbegin(), inputs.rend(),
                                  [&](const Input& input) { return input.dataset() == dataset; });
  if (found != inputs.rend()) return *found;
  Input& added = *inputs.Add();
  added.set_dataset(dataset);
  return added;
}

}  // namespace

void append_chunk(Description& whole, Description chunk) {
  // Not MergeFrom, which puts a later text in place of an earlier one.
  whole.mutable_body_json()->append(chunk.body_json());
  whole.mutable_parameters_json()->append(chunk.parameters_json());
  whole.mutable_publication_json()->append(chunk.publication_json());
  for (Input& part : *chunk.mutable_inputs()) {
    Input& input = input_of(whole, part.dataset());
    if (!part.snapshot_id().empty()) input.set_snapshot_id(part.snapshot_id());
    input.mutable_schema_json()->append(part.schema_json());
    for (auto& file : *part.mutable_files()) *input.add_files() = std::move(file);
  }
}

}  // namespace millrace::runner
