// parse(): the text of a manifest file, YAML or JSON, into documents and every problem in them.
//
//   Parsed parsed = parse(text, "flights.yaml");
//   for (const Problem& problem : parsed.problems) std::cerr << problem.to_text() << '\n';
//   for (const Document& document : parsed.documents) …
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "manifest/generated/types.h"
#include "manifest/node.h"
#include "manifest/problem.h"
#include "manifest/source.h"
#include "manifest/unsure.h"

namespace millrace::manifest {

struct Document {
  std::variant<Workflow, WorkflowRun> resource;
  std::string kind;  // "Workflow"
  std::string name;
  std::string ns;  // empty when the document leaves it to the caller
  // metadata.resourceVersion: the version of the object that whoever wrote this had seen; empty
  // when they don't say. What else a scheduler shows in metadata (uid, generation,
  // creationTimestamp) may be there and is passed over.
  std::string resource_version;

  // Where the document came from; shared with its file's other documents.
  std::shared_ptr<const Source> source;
  std::shared_ptr<const Node> root;

  // Where a field stands; where the nearest field around it does when it is not written down.
  Position locate(std::string_view pointer) const;
  // Where a byte of a field's text stands, such as a name in SQL.
  Position locate(std::string_view pointer, std::size_t offset) const;
  // A finding with its file and line.
  Problem place(const Finding& finding) const;
};

// A workflow that has problems, as far as it can be read: good only to look for more of them.
struct Draft {
  Document document;
  Unsure unsure;
};

struct Parsed {
  std::vector<Document> documents;  // the sound ones, in their order
  std::vector<Draft> drafts;        // the other workflows of which there is anything to use
  Problems problems;                // in the order of their places
  bool ok() const { return problems.empty(); }
};

enum class Syntax {
  kByName,  // JSON when the file's name ends in .json, else YAML, of which JSON is nearly a part
  kYaml,
  kJson,
};

// At most 1 MiB, 32 levels, 200,000 values; beyond, one problem says so. Never fails otherwise than
// by problems, whatever the bytes. Thread-safe. What needs other documents or SQL (does the dataset
// exist? is the graph a circle?) is for graph.h and parameters.h.
Parsed parse(std::string_view text, std::string file, Syntax syntax = Syntax::kByName);

}  // namespace millrace::manifest
