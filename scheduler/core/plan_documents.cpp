// Documents: put and delete, with the precondition of If-Match.
#include "scheduler/core/planner.h"

namespace millrace::scheduler {
namespace {

std::string quoted(const NamespacedName& name) { return "\"" + name.name + "\""; }

}  // namespace

void Planner::on(const PutDocument& input) {
  const DocumentKey key{input.kind, input.name};
  const Document* before = draft_.document(key);
  const std::uint64_t generation = before == nullptr ? 0 : before->generation;
  if (input.if_generation && *input.if_generation != generation)
    return refuse(input.request, ErrorClass::kUser, "document.conflict",
                  quoted(input.name) + " is at generation " + std::to_string(generation) +
                      ", not " + std::to_string(*input.if_generation),
                  "read it again and apply your change to what you find");
  if (before != nullptr && before->body_hash == input.body_hash)
    return reply(input.request, ReplyBody(replies::DocumentAccepted{generation, false, false}));
  if (before == nullptr && draft_.document_count() >= settings_.max_documents)
    return refuse(input.request, ErrorClass::kResource, "document.full",
                  "there are " + std::to_string(draft_.document_count()) + " documents already",
                  "delete some that nobody needs");
  emit(events::DocumentPut{input.kind, input.name, generation + 1, input.body_hash, input.spec,
                           now_.wall},
       input.attachment);
  reply(input.request,
        ReplyBody(replies::DocumentAccepted{generation + 1, before == nullptr, true}));
}

void Planner::on(const DeleteDocument& input) {
  const DocumentKey key{input.kind, input.name};
  const Document* before = draft_.document(key);
  if (before == nullptr)
    return refuse(input.request, ErrorClass::kUser, "document.unknown",
                  "no " + input.kind + " named " + quoted(input.name));
  if (input.if_generation && *input.if_generation != before->generation)
    return refuse(input.request, ErrorClass::kUser, "document.conflict",
                  quoted(input.name) + " is at generation " + std::to_string(before->generation));
  emit(events::DocumentDeleted{input.kind, input.name, now_.wall});
  reply(input.request, ReplyBody(replies::Done{}));
}

}  // namespace millrace::scheduler
