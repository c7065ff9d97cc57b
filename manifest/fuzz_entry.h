// What must hold for any bytes, shared by the mutation test and the fuzzer.
#pragma once

#include <string>
#include <string_view>

#include "base/check.h"
#include "manifest/document.h"
#include "manifest/graph.h"
#include "manifest/testing.h"

namespace millrace::manifest {

// Parses as YAML and as JSON. What is sound must be its own canonical form when read again, and
// have a graph or findings; what is a draft has a graph all the same. Ends the process where that
// fails. Whether there was a sound document.
inline bool check_any_bytes(std::string_view text) {
  bool sound = false;
  for (const Syntax syntax : {Syntax::kYaml, Syntax::kJson}) {
    const Parsed parsed = parse(text, "f", syntax);
    MILLRACE_CHECK(!parsed.documents.empty() || !parsed.problems.empty(),
                   "neither documents nor problems");
    for (const Problem& problem : parsed.problems)
      MILLRACE_CHECK(!problem.to_text().empty() && !problem.error.code.empty(),
                     "a problem without words");
    for (const Draft& draft : parsed.drafts) {
      MILLRACE_CHECK(!parsed.problems.empty(), "a draft without problems");
      const auto& workflow = std::get<Workflow>(draft.document.resource);
      for (const Finding& finding : build_graph(workflow, {}, draft.unsure).findings)
        MILLRACE_CHECK(!draft.document.place(finding).to_text().empty(), "a finding without words");
    }
    for (const Document& document : parsed.documents) {
      sound = true;
      const std::string canonical = canonical_json(document);
      const Parsed again = parse(canonical, "f", Syntax::kJson);
      // Documents that just fit may not fit when their defaults are written down.
      if (canonical.size() > ReadLimits{}.bytes) continue;
      MILLRACE_CHECK(again.ok() && again.documents.size() == 1, "canonical JSON is not read back");
      MILLRACE_CHECK(again.documents[0].resource == document.resource,
                     "canonical JSON is read back differently");
      MILLRACE_CHECK(canonical_json(again.documents[0]) == canonical,
                     "canonical JSON is no fixed point");
      const auto* workflow = std::get_if<Workflow>(&document.resource);
      if (workflow == nullptr) continue;
      const Graph graph = build_graph(*workflow, {});
      MILLRACE_CHECK(graph.order.size() == workflow->spec.tasks.size() || !graph.findings.empty(),
                     "a graph without order and findings");
      for (const Finding& finding : graph.findings)
        MILLRACE_CHECK(document.place(finding).line > 0, "a finding without a place");
    }
  }
  return sound;
}

}  // namespace millrace::manifest
