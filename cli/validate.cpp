#include "cli/validate.h"

#include <utility>
#include <variant>

#include "manifest/document.h"
#include "manifest/judge/judge.h"

namespace millrace::cli {

Result<manifest::Problems> validate_text(const std::string& text, const std::string& file,
                                         sql::Parser& parser) {
  const auto analyze = [&parser](const std::string& sql) { return parser.analyze(sql); };
  manifest::Parsed parsed = manifest::parse(text, file);
  manifest::Problems problems = std::move(parsed.problems);
  const auto check = [&](const manifest::Document& document, manifest::Unsure unsure) -> Status {
    MILLRACE_TRY(judged, manifest::judge(document, std::move(unsure), analyze));
    manifest::merge(problems, std::move(judged.problems));
    return ok_status();
  };
  for (const manifest::Document& document : parsed.documents)
    if (std::holds_alternative<manifest::Workflow>(document.resource))
      MILLRACE_RETURN_IF_ERROR(check(document, {}));
  for (manifest::Draft& draft : parsed.drafts)
    MILLRACE_RETURN_IF_ERROR(check(draft.document, std::move(draft.unsure)));
  return problems;
}

}  // namespace millrace::cli
