// Documents: the manifests that -f names, one by one, each with its place.
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/report.h"
#include "lib/client/problem.h"

namespace millrace::cli {

struct FileText {
  std::string source;  // the file's name, or "<stdin>"
  std::string text;
};

// Files, folders (their *.yaml, *.yml and *.json, by name) and "-" for `in`. Errors:
// file.not_found, file.too_large (1 MiB each), file.failed.
Result<std::vector<FileText>> read_files(const std::vector<std::string>& names, std::istream& in);

struct DocumentText {
  DocumentPlace place;
  std::string text;
  // As far as the text shows them; empty otherwise: then the scheduler says what is wrong.
  std::string kind;
  std::string name;
  std::string ns;
};

// The documents in them, which stand between lines of "---" or "..."; empty ones are left out.
// Errors: also file.no_documents.
Result<std::vector<DocumentText>> read_documents(const std::vector<std::string>& files,
                                                 std::istream& in);

// One text's documents, the same as manifest::parse() finds. Pure.
std::vector<DocumentText> split_documents(const std::string& source, const std::string& text);

// What is wrong with a document that one before it has kind and name of: of the two, which one is
// wanted is not said.
std::optional<client::Problem> doubled_problem(const std::vector<DocumentText>& documents,
                                               std::size_t index);

// Where a document begins, for a problem that is of the whole.
DocumentPlace begin_of(const DocumentText& document);

Error no_documents();

// "Workflow" → "workflows"; "" for a kind that has no place in REST.
std::string collection_of_kind(const std::string& kind);
// "run", "runs", "workflow", … → "runs", "workflows"; "" for others.
std::string collection_of_word(const std::string& word);

}  // namespace millrace::cli
