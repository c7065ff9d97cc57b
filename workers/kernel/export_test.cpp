// Datasets as files that are delivered: what is in them, how far they are, and what goes wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/contents.h"
#include "workers/kernel/query_engine.h"
#include "workers/kernel/testing/engine_fixture.h"

namespace millrace::kernel {
namespace {

class ExportTest : public EngineTest {};

// What is delivered as NDJSON is JSON, and ingested again it is what it was.
TEST_F(ExportTest, exported_ndjson_is_json_with_the_values_as_they_are) {
  const auto ingested =
      ingest("j.ndjson",
             "{\"j\":0.1000000000000000055511151231257827,\"f\":0.1,\"d\":0.1}\n"
             "{\"j\":-0,\"f\":\"nan\",\"d\":\"-inf\"}\n"
             "{\"j\":\"a \\\"b\",\"f\":16777216,\"d\":1e300}\n"
             "{\"j\":\"123\",\"d\":5e-324}\n"
             "{\"j\":{\"x\":[1e400, null]}}\n",
             NdjsonFormat{}, {{{"j", "JSON"}, {"f", "FLOAT"}, {"d", "DOUBLE"}}}, 0);
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  ASSERT_TRUE(open()
                  ->export_rows(view(last_, ingested->rows), ExportFormat::kNdjson,
                                folder_ / "o.ndjson", watch())
                  .ok());
  const std::string text = contents_of_file(folder_ / "o.ndjson");
  EXPECT_EQ(text,
            "{\"j\":0.1000000000000000055511151231257827,\"f\":0.1,\"d\":0.1}\n"
            "{\"j\":-0,\"f\":\"NaN\",\"d\":\"-Infinity\"}\n"
            "{\"j\":\"a \\\"b\",\"f\":16777216,\"d\":1e+300}\n"
            "{\"j\":\"123\",\"f\":null,\"d\":5e-324}\n"
            "{\"j\":{\"x\":[1e400, null]},\"f\":null,\"d\":null}\n");
  const auto again = ingest("again.ndjson", text, NdjsonFormat{}, ingested->rows.schema, 0);
  ASSERT_TRUE(again.ok()) << again.error().to_text();
  const auto csv = ingest("lines.csv", "j,n\n\"[1,\n2]\",1.50\n[NaN],2\n\"{\"\"a\"\":1,}\",3\n",
                          CsvFormat{}, {{{"j", "JSON"}, {"n", "DECIMAL(5,2)"}}});
  ASSERT_TRUE(csv.ok()) << csv.error().to_text();
  EXPECT_EQ(csv->quarantine.rows, 2) << "neither is JSON";
  const auto written = open()->export_rows(view(last_, csv->rows), ExportFormat::kNdjson,
                                           folder_ / "lines.ndjson", watch());
  ASSERT_TRUE(written.ok()) << written.error().to_text();
  EXPECT_EQ(written->rows, 1);
  EXPECT_EQ(contents_of_file(folder_ / "lines.ndjson"), "{\"j\":[1, 2],\"n\":1.50}\n");
}

TEST_F(ExportTest, decimals_are_numbers_of_json_wherever_they_stand) {
  const Query query{.sql =
                        "SELECT 0.0375::DECIMAL(4,4) AS a, -0.5::DECIMAL(2,2) AS b, "
                        "0::DECIMAL(3,3) AS c, -12.50::DECIMAL(4,2) AS d, "
                        "[0.5::DECIMAL(1,1), NULL] AS l, {'x': -0.25::DECIMAL(2,2)} AS s",
                    .views = {},
                    .parameters = {}};
  const auto written = open()->run_query(query, folder_ / "rows", watch());
  ASSERT_TRUE(written.ok()) << written.error().to_text();
  ASSERT_TRUE(open()
                  ->export_rows(view("rows", *written), ExportFormat::kNdjson, folder_ / "d.ndjson",
                                watch())
                  .ok());
  const std::string text = contents_of_file(folder_ / "d.ndjson");
  EXPECT_EQ(text,
            "{\"a\":0.0375,\"b\":-0.50,\"c\":0.000,\"d\":-12.50,\"l\":[0.5,null],"
            "\"s\":{\"x\":-0.25}}\n");
  EXPECT_TRUE(ingest("again.ndjson", text, NdjsonFormat{}, {}, 0).ok());
}

// Whoever wrote the query has no part in it: a delivery reads files of ours by statements of ours.
TEST_F(ExportTest, a_delivery_that_fails_midway_is_no_fault_of_the_persons) {
  // Texts that don't compress, so that nearly all of the file is their pages.
  const Query query{.sql = "SELECT md5(range::VARCHAR) AS h FROM range(400000)",
                    .views = {},
                    .parameters = {},
                    .ordered = true};
  const auto written = open()->run_query(query, folder_ / "rows", watch());
  ASSERT_TRUE(written.ok()) << written.error().to_text();
  const DatasetView dataset = view("rows", *written);
  ASSERT_EQ(dataset.files.size(), 1U);
  std::string bytes = contents_of_file(dataset.files[0]);
  const std::size_t behind = bytes.size() / 10 * 6;  // the first rows are sound
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(behind), bytes.size() / 10, '\xFF');
  folder_.write("rows/" + written->files[0].name, bytes);
  for (const ExportFormat format : {ExportFormat::kNdjson, ExportFormat::kCsv}) {
    auto engine = open();
    // A second thread would come upon the damage before the first rows are there.
    const Status limited = engine->limit({.threads = 1,
                                          .memory = mebibytes(512),
                                          .spill = mebibytes(64),
                                          .spill_folder = folder_ / "spill"});
    ASSERT_TRUE(limited.ok()) << limited.error().to_text();
    const auto failed = engine->export_rows(dataset, format, folder_ / "out", watch());
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().error_class, ErrorClass::kInfrastructure) << failed.error().to_text();
    EXPECT_EQ(failed.error().code, "engine.failed") << failed.error().to_text();
  }
}

TEST_F(ExportTest, every_delivery_says_how_far_it_is) {
  const Query query{.sql = "SELECT range AS i FROM range(400000)", .views = {}, .parameters = {}};
  const auto written = open()->run_query(query, folder_ / "rows", watch());
  ASSERT_TRUE(written.ok()) << written.error().to_text();
  const DatasetView dataset = view("rows", *written);
  for (const ExportFormat format : {ExportFormat::kNdjson, ExportFormat::kCsv}) {
    activity_.fraction = -2;
    ASSERT_TRUE(
        open()->export_rows(dataset, format, folder_ / std::to_string(++count_), watch()).ok());
    EXPECT_GT(activity_.fraction, 0);
    EXPECT_LE(activity_.fraction, 1);
  }
}

// And so the bytes are a BLOB again where the file is ingested.
TEST_F(ExportTest, bytes_are_the_same_text_in_every_delivery) {
  const Query query{.sql = R"(SELECT '"it''s" \x5Cx22\x00'::BLOB AS "b""c", NULL::BLOB AS n)",
                    .views = {},
                    .parameters = {},
                    .ordered = true};
  const auto written = open()->run_query(query, folder_ / "rows", watch());
  ASSERT_TRUE(written.ok()) << written.error().to_text();
  const DatasetView dataset = view("rows", *written);
  ASSERT_TRUE(open()->export_rows(dataset, ExportFormat::kCsv, folder_ / "b.csv", watch()).ok());
  const std::string csv = contents_of_file(folder_ / "b.csv");
  EXPECT_EQ(csv, R"("b""c",n
"""it's"" \x5Cx22\x00",
)");
  ASSERT_TRUE(
      open()->export_rows(dataset, ExportFormat::kNdjson, folder_ / "b.ndjson", watch()).ok());
  EXPECT_EQ(contents_of_file(folder_ / "b.ndjson"),
            R"({"b\"c":"\"it's\" \\x5Cx22\\x00","n":null}
)");
  const auto again = ingest("again.csv", csv, CsvFormat{}, {{{"b\"c", "BLOB"}, {"n", "BLOB"}}});
  ASSERT_TRUE(again.ok()) << again.error().to_text();
  EXPECT_EQ(text_of({view(last_, again->rows)}, "SELECT hex(\"b\"\"c\") AS h FROM t"),
            "h\n226974277322205C78323200\n");
}

TEST_F(ExportTest, exports_keep_null_and_empty_apart) {
  const auto ingested = ingest("e.csv", "a,b\n,\"\"\nx,\"a,\"\"b\"\"\"\n", CsvFormat{});
  ASSERT_TRUE(ingested.ok());
  const DatasetView dataset = view(last_, ingested->rows);
  const auto csv = open()->export_rows(dataset, ExportFormat::kCsv, folder_ / "o.csv", watch());
  ASSERT_TRUE(csv.ok()) << csv.error().to_text();
  EXPECT_EQ(contents_of_file(folder_ / "o.csv"), "a,b\n,\"\"\nx,\"a,\"\"b\"\"\"\n");
  EXPECT_EQ(csv->rows, 2);
  EXPECT_EQ(csv->bytes, 20);
  ASSERT_TRUE(
      open()->export_rows(dataset, ExportFormat::kNdjson, folder_ / "o.ndjson", watch()).ok());
  EXPECT_EQ(contents_of_file(folder_ / "o.ndjson"),
            "{\"a\":null,\"b\":\"\"}\n{\"a\":\"x\",\"b\":\"a,\\\"b\\\"\"}\n");
  const auto parquet =
      open()->export_rows(dataset, ExportFormat::kParquet, folder_ / "o.parquet", watch());
  ASSERT_TRUE(parquet.ok());
  EXPECT_EQ(parquet->checksum, *checksum_of_file(folder_ / "o.parquet"));
}

}  // namespace
}  // namespace millrace::kernel
