// EngineTest: an engine over files of the test's own and the flights, and what it made of them as
// CSV. For tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/contents.h"
#include "workers/kernel/query_engine.h"
#include "workers/kernel/testing/temp_folder.h"

namespace millrace::kernel {

using millrace::testing::flights_folder;
using millrace::testing::TempFolder;

class EngineTest : public ::testing::Test {
 protected:
  std::unique_ptr<QueryEngine> open(Bytes memory = mebibytes(512)) {
    auto engine = open_query_engine();
    EXPECT_TRUE(engine.ok()) << engine.error().to_text();
    const Status limited = (*engine)->limit({.threads = 2,
                                             .memory = memory,
                                             .spill = mebibytes(1024),
                                             .spill_folder = folder_ / "spill"});
    EXPECT_TRUE(limited.ok()) << limited.error().to_text();
    return std::move(*engine);
  }

  Result<std::string> sql_text(const std::vector<DatasetView>& views, const std::string& sql,
                               std::map<std::string, QueryValue> parameters = {}) {
    // Through a query and an export: what a person would see.
    const std::string number = std::to_string(++count_);
    Query query{.sql = sql, .views = views, .parameters = std::move(parameters), .ordered = true};
    MILLRACE_TRY(written, open()->run_query(query, folder_ / ("q" + number), watch()));
    MILLRACE_TRY(file, open()->export_rows(view("q" + number, written), ExportFormat::kCsv,
                                           folder_ / (number + ".csv"), watch()));
    return contents_of_file(folder_ / file.name);
  }

  DatasetView view(const std::string& folder, const WrittenDataset& written,
                   const std::string& name = "t") {
    DatasetView view{name, written.schema, {}};
    for (const WrittenFile& file : written.files)
      view.files.push_back(folder_ / folder + "/" + file.name);
    return view;
  }

  TextSource source(const std::string& path, TextFormat format, Schema stated = {}) {
    auto files = list_source_files("file://" + path, roots_);
    EXPECT_TRUE(files.ok()) << files.error().to_text();
    return {.files = files.ok() ? *files : std::vector<SourceFile>{},
            .roots = roots_,
            .format = std::move(format),
            .stated = std::move(stated)};
  }

  // Ingests a file's text; its rows and bad rows are in the folders "N" and "bad-N".
  Result<Ingested> ingest(const std::string& name, const std::string& content, TextFormat format,
                          Schema stated = {}, std::uint64_t max_rejects = 100) {
    last_ = std::to_string(++count_);
    return open()->ingest_text(
        source(folder_.write(name, content), std::move(format), std::move(stated)), max_rejects,
        folder_ / last_, folder_ / ("bad-" + last_), watch());
  }
  // The result of a statement as a Parquet file.
  void parquet(const std::string& name, const std::string& sql) {
    const std::string number = "p" + std::to_string(++count_);
    const Query query{.sql = sql, .views = {}, .parameters = {}, .ordered = true};
    const auto written = open()->run_query(query, folder_ / number, watch());
    ASSERT_TRUE(written.ok()) << written.error().to_text();
    const auto file = open()->export_rows(view(number, *written), ExportFormat::kParquet,
                                          folder_ / name, watch());
    ASSERT_TRUE(file.ok()) << file.error().to_text();
  }
  Result<Ingested> ingest_parquet(const std::string& path, const Schema& stated = {},
                                  std::uint64_t max_rejects = 100) {
    last_ = std::to_string(++count_);
    MILLRACE_TRY(files, list_source_files("file://" + path, roots_));
    return open()->ingest_parquet(files, roots_, stated, max_rejects, folder_ / last_,
                                  folder_ / ("bad-" + last_), watch());
  }
  // What the last ingest left, as CSV.
  std::string rows(const Ingested& ingested) {
    return text_of({view(last_, ingested.rows)}, "SELECT * FROM t ORDER BY ALL");
  }
  std::string bad_rows(const Ingested& ingested, const std::string& columns = "*") {
    return text_of({view("bad-" + last_, ingested.quarantine)},
                   "SELECT " + columns + " FROM t ORDER BY file, record");
  }
  std::string text_of(const std::vector<DatasetView>& views, const std::string& sql) {
    const Result<std::string> text = sql_text(views, sql);
    return text.ok() ? *text : text.error().to_text();
  }
  std::string code_of_query(const std::string& sql) {
    const Result<std::string> text = sql_text({}, sql);
    return text.ok() ? "no error" : text.error().code;
  }

  Watch watch() { return {stop_.get_token(), activity_}; }

  TempFolder folder_;
  std::vector<std::string> roots_{folder_.path().string(), flights_folder()};
  std::stop_source stop_;
  Activity activity_;
  int count_ = 0;
  std::string last_;
};

}  // namespace millrace::kernel
