// query, and `get quarantine`, which is one: rows for a person or a pipe.
#include <algorithm>
#include <array>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/contents.h"
#include "base/utf8.h"
#include "cli/commands/commands.h"
#include "cli/listing.h"
#include "cli/parameters.h"
#include "cli/report.h"
#include "cli/rows_text.h"
#include "cli/text.h"
#include "manifest/quantity.h"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kCellWidth = 60;
constexpr std::chrono::milliseconds kDefaultTimeout{60'000};
// Beside the query's own time: until the scheduler has said that it was too long.
constexpr std::chrono::milliseconds kSlack{60'000};

struct Asked {
  std::string sql;
  Json parameters = Json::object();
  int limit = 0;
  std::chrono::milliseconds timeout = kDefaultTimeout;
  std::string accept = "application/json";
};

client::Call call_of(const Asked& asked) {
  Json body = {{"sql", asked.sql}, {"maxRows", asked.limit}};
  if (!asked.parameters.empty()) body["parameters"] = asked.parameters;
  body["timeout"] = manifest::format_duration(Micros(asked.timeout.count() * 1'000));
  return {.method = "POST",
          .path = {"queries"},
          .body = body.dump(-1, ' ', false, Json::error_handler_t::replace),
          .accept = asked.accept,
          .patience = asked.timeout + kSlack};
}

// A problem of the text is shown by its place in the text: "sql:2:7 no dataset named …".
Exit report_query(std::ostream& err, client::Problem problem) {
  for (client::Defect& defect : problem.defects)
    if (defect.pointer == "/sql") defect.pointer.clear();
  const DocumentPlace text{"sql", 1};
  return report(err, problem, problem.defects.empty() ? nullptr : &text);
}

void tell_truncated(std::ostream& err, std::size_t rows) {
  err << "the first " << grouped(static_cast<std::int64_t>(rows))
      << " rows; --limit shows up to 1,000,000, and at most 64 MiB\n";
}

Exit print_table(const Asked& asked, Session& session) {
  const client::Answer answer = session.client.call(call_of(asked));
  if (!answer.ok()) return report_query(session.err, answer.problem);
  const auto text = rows_text(answer.body, kCellWidth);
  if (!text) {
    session.err << "error: the scheduler's answer is no result of a query\n";
    return Exit::kUnreachable;
  }
  session.out << text->table << std::flush;
  if (text->truncated)
    tell_truncated(session.err, text->rows);
  else
    session.err << grouped(static_cast<std::int64_t>(text->rows))
                << (text->rows == 1 ? " row\n" : " rows\n");
  return Exit::kDone;
}

Exit print_as_it_is(const Asked& asked, Session& session) {
  const client::Answer answer =
      session.client.stream(call_of(asked), [&session](std::string_view piece) {
        session.out << piece;
        return session.out.good();
      });
  session.out << std::flush;
  if (!answer.ok()) return report_query(session.err, answer.problem);
  if (answer.header("millrace-truncated") == "true")
    tell_truncated(session.err, static_cast<std::size_t>(std::strtoull(
                                    answer.header("millrace-rows").c_str(), nullptr, 10)));
  return Exit::kDone;
}

// Whether a dataset has a quarantine's columns.
bool is_quarantine(const std::string& dataset_json) {
  const Json json = Json::parse(dataset_json, nullptr, /*allow_exceptions=*/false);
  const auto columns = Json::json_pointer("/status/schema/columns");
  if (!json.is_object() || !json.contains(columns) || !json.at(columns).is_array()) return false;
  std::size_t found = 0;
  for (const Json& column : json.at(columns))
    for (const std::string_view name : {"file", "record", "byte_offset", "error_class", "raw"})
      if (column.is_object() && column.contains("name") && column["name"] == name) ++found;
  return found == 5;
}

}  // namespace

Exit execute(const commands::Query& options, Session& session) {
  Asked asked{.sql = options.sql, .limit = options.limit};
  if (options.sql == "-") asked.sql = contents_of(std::cin);
  if (valid_utf8_prefix(asked.sql) < asked.sql.size())
    return report(session.err, Error{ErrorClass::kUser, "query.encoding", "the query is no UTF-8",
                                     "write other bytes as '\\xFF'::BLOB"});
  if (options.timeout) asked.timeout = *options.timeout;
  const auto given = split_parameters(options.parameters);
  if (!given.ok()) return report(session.err, given.error());
  for (const GivenParameter& parameter : *given)
    asked.parameters[parameter.name] =
        std::visit([](const auto& held) -> Json { return held; }, value_of_text(parameter.text));
  switch (options.format) {
    case RowsFormat::kTable:
      return print_table(asked, session);
    case RowsFormat::kCsv:
      asked.accept = "text/csv";
      [[fallthrough]];
    case RowsFormat::kJson:
      return print_as_it_is(asked, session);
  }
  return Exit::kUsage;
}

Exit get_quarantine(const commands::Get& options, Session& session) {
  if (options.name.empty()) {
    session.err << "error: the quarantine of which dataset? `millrace get quarantine DATASET`.\n";
    return Exit::kUsage;
  }
  const client::Answer dataset = session.client.call({.path = {"datasets", options.name}});
  if (!dataset.ok()) return report(session.err, dataset.problem);
  const std::string name =
      is_quarantine(dataset.body) ? options.name : options.name + "_quarantine";
  if (name != options.name) {
    const client::Answer derived = session.client.call({.path = {"datasets", name}});
    if (derived.status == 404) {
      session.err << "error: dataset \"" << printable(options.name)
                  << "\" has no quarantine named \"" << printable(name)
                  << "\". Give the name under quarantine.dataset of its ingest.\n";
      return Exit::kNotFound;
    }
    if (!derived.ok()) return report(session.err, derived.problem);
  }
  // The name is one of the scheduler's own, [a-z][a-z0-9_]*: it answered to it just now.
  const Asked asked{
      .sql = "SELECT file, record, line, byte_offset, \"column\", error_class, message, raw FROM " +
             name + " ORDER BY file, byte_offset",
      .limit = options.limit};
  const client::Answer answer = session.client.call(call_of(asked));
  if (!answer.ok()) return report_query(session.err, answer.problem);
  Json json = Json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("rows")) return report(session.err, answer.problem);
  const bool more = json.value("truncated", false);
  Json items = {{"items", std::move(json["rows"])}, {"truncated", more}};
  session.out << listing_text("quarantine",
                              items.dump(-1, ' ', false, Json::error_handler_t::replace),
                              options.format, WallTime());
  if (options.format == Format::kTable && more)
    session.err << "there are more; --limit shows up to 1000\n";
  return Exit::kDone;
}

}  // namespace millrace::cli
