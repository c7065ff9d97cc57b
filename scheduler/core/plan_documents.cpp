// Documents: put and delete, with the precondition of If-Match.
#include "scheduler/core/planner.h"

namespace millrace::scheduler {
namespace {

std::string quoted(const NamespacedName& name) { return "\"" + name.name + "\""; }

}  // namespace

void Planner::conflict(RequestId request, const NamespacedName& name, const Document* present) {
  refuse(request, ErrorClass::kUser, "document.conflict",
         present == nullptr
             ? "there is no " + quoted(name)
             : quoted(name) + " has another version, " + std::to_string(present->version),
         "read it again and apply your change to what you find");
}

void Planner::on(const PutDocument& input) {
  const DocumentKey key{input.kind, input.name};
  const Document* before = draft_.document(key);
  const std::uint64_t generation = before == nullptr ? 0 : before->generation;
  if (input.if_version && *input.if_version != (before == nullptr ? 0 : before->version))
    return conflict(input.request, input.name, before);
  if (before != nullptr && before->body_hash == input.body_hash)
    return reply(input.request,
                 ReplyBody(replies::DocumentAccepted{generation, before->version, false, false}));
  if (before == nullptr && draft_.document_count() >= settings_.max_documents)
    return refuse(input.request, ErrorClass::kResource, "document.full",
                  "there are " + std::to_string(draft_.document_count()) + " documents already",
                  "delete some that nobody needs");
  const bool created = before == nullptr;  // what it points to does not outlive the event
  emit(events::DocumentPut{input.kind, input.name, generation + 1, input.body_hash, input.spec,
                           now_.wall},
       input.attachment);
  reply(input.request, ReplyBody(replies::DocumentAccepted{
                           generation + 1, draft_.document(key)->version, created, true}));
}

void Planner::on(const DeleteDocument& input) {
  const DocumentKey key{input.kind, input.name};
  const Document* before = draft_.document(key);
  if (before == nullptr)
    return refuse(input.request, ErrorClass::kUser, "document.unknown",
                  "no " + input.kind + " named " + quoted(input.name));
  if (input.if_version && *input.if_version != before->version)
    return conflict(input.request, input.name, before);
  emit(events::DocumentDeleted{input.kind, input.name, now_.wall});
  reply(input.request, ReplyBody(replies::Done{}));
}

}  // namespace millrace::scheduler
