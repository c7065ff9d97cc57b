// validate: offline, with a millrace-sql of its own.
#include <iostream>

#include "cli/commands/commands.h"
#include "cli/documents.h"
#include "cli/report.h"
#include "cli/stack/stack.h"
#include "cli/text.h"
#include "cli/validate.h"

namespace millrace::cli {

Exit execute(const commands::Validate& options, Session& session) {
  const auto files = read_files(options.files, std::cin);
  if (!files.ok()) return report(session.err, files.error());
  sql::Parser parser({.program = (own_folder() / "millrace-sql").string()});
  std::size_t documents = 0;
  std::size_t problems = 0;
  for (const FileText& file : *files) {
    const Verdict verdict = validate_text(file.text, file.source, parser);
    for (const manifest::Problem& problem : verdict.problems)
      session.err << printable(problem.to_text()) << "\n";
    documents += verdict.documents;
    problems += verdict.problems.size();
  }
  if (problems > 0) {
    session.err << problems << (problems == 1 ? " problem" : " problems") << "\n";
    return Exit::kInvalidInput;
  }
  session.err << documents << (documents == 1 ? " manifest is" : " manifests are") << " valid\n";
  return Exit::kDone;
}

}  // namespace millrace::cli
