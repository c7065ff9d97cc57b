// N/datasets: what is in them, and their snapshots.
#include "scheduler/api/context.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/query.h"
#include "scheduler/api/render.h"

namespace millrace::api {
namespace {

// Before the catalog is read: what it shows is at least as new.
Result<std::string> as_of(Context& context) {
  return look_at(context.ports.engine, [](const View& view) -> Result<std::string> {
    return EventId::end_of(view.applied).to_text();
  });
}

Result<http::Response> list_datasets(Context& context, const http::Request& request) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {"limit", "cursor"}));
  MILLRACE_TRY(ns, label_of(request, "ns"));
  MILLRACE_TRY(page, page_of(request));
  MILLRACE_TRY(seen, as_of(context));
  // One more than asked for tells whether there is a next page.
  MILLRACE_TRY(datasets, context.ports.reads.datasets(ns, page.after, page.limit + 1));
  const bool more = datasets.size() > page.limit;
  if (more) datasets.resize(page.limit);
  Json items = Json::array();
  for (const DatasetRecord& dataset : datasets) items.push_back(dataset_json(dataset, ns));
  return json_response(
      list_json(std::move(items), more ? next_cursor(request, datasets.back().name) : "", seen));
}

Result<scheduler::NamespacedName> dataset_of(const http::Request& request) {
  MILLRACE_TRY(ns, label_of(request, "ns"));
  MILLRACE_TRY(name, name_of(request, "dataset"));
  return scheduler::NamespacedName{std::move(ns), std::move(name)};
}

Error no_dataset(const std::string& name) {
  return not_found("dataset.not_found", "no dataset named \"" + name + "\"",
                   "`millrace get datasets` lists them");
}

Result<http::Response> get_dataset(Context& context, const http::Request& request) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(name, dataset_of(request));
  MILLRACE_TRY(dataset, context.ports.reads.dataset(name));
  if (!dataset) return no_dataset(name.name);
  return json_response(dataset_json(*dataset, name.ns));
}

Result<http::Response> list_snapshots(Context& context, const http::Request& request) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {"limit", "cursor"}));
  MILLRACE_TRY(name, dataset_of(request));
  MILLRACE_TRY(page, page_of(request));
  scheduler::SnapshotId before;
  if (!page.after.empty()) {
    const auto parsed = scheduler::SnapshotId::parse(page.after);
    if (!parsed) return invalid_request("cursor", "the cursor belongs to no such list");
    before = *parsed;
  }
  MILLRACE_TRY(seen, as_of(context));
  MILLRACE_TRY(dataset, context.ports.reads.dataset(name));
  if (!dataset) return no_dataset(name.name);
  MILLRACE_TRY(snapshots, context.ports.reads.snapshots(name, before, page.limit + 1));
  const bool more = snapshots.size() > page.limit;
  if (more) snapshots.resize(page.limit);
  Json items = Json::array();
  for (const SnapshotRecord& snapshot : snapshots) items.push_back(snapshot_json(snapshot));
  return json_response(list_json(
      std::move(items), more ? next_cursor(request, snapshots.back().id.to_text()) : "", seen));
}

}  // namespace

void add_dataset_routes(http::Router& router, Context& context) {
  const std::string datasets = "/v1/namespaces/{ns}/datasets";
  router.add("GET", datasets, answering(context, list_datasets));
  router.add("GET", datasets + "/{dataset}", answering(context, get_dataset));
  router.add("GET", datasets + "/{dataset}/snapshots", answering(context, list_snapshots));
}

}  // namespace millrace::api
