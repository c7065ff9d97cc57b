// validate: offline, with a millrace-sql of its own.
#include <iostream>
#include <utility>
#include <vector>

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
  std::vector<DocumentText> documents;
  std::size_t problems = 0;
  bool perhaps_more = false;
  for (const FileText& file : *files) {
    const auto found = validate_text(file.text, file.source, parser);
    if (!found.ok()) return report(session.err, found.error());
    for (const manifest::Problem& problem : *found)
      session.err << printable(problem.to_text()) << "\n";
    problems += found->size();
    perhaps_more = perhaps_more || found->size() >= manifest::kMaxProblems;
  }
  for (const FileText& file : *files)
    for (DocumentText& document : split_documents(file.source, file.text))
      documents.push_back(std::move(document));
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const auto doubled = doubled_problem(documents, i);
    if (!doubled) continue;
    const DocumentPlace place = begin_of(documents[i]);
    session.err << problem_text(*doubled, &place);
    ++problems;
  }
  if (problems == 0 && documents.empty()) return report(session.err, no_documents());
  if (problems > 0) {
    session.err << problems << (problems == 1 ? " problem" : " problems")
                << (perhaps_more ? " and perhaps more: of one file no more are told" : "") << "\n";
    return Exit::kInvalidInput;
  }
  session.err << documents.size() << (documents.size() == 1 ? " manifest is" : " manifests are")
              << " valid\n";
  return Exit::kDone;
}

}  // namespace millrace::cli
