// Text files that are not what a task takes them for: the error says what they are.
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "workers/kernel/testing/engine_fixture.h"

namespace millrace::kernel {
namespace {

class TextIngestTest : public EngineTest {
 protected:
  std::string gzipped(const std::string& name, const std::string& content) {
    const std::string path = folder_.write(name, "");
    gzFile file = gzopen(path.c_str(), "wb");
    EXPECT_EQ(gzwrite(file, content.data(), static_cast<unsigned>(content.size())),
              static_cast<int>(content.size()));
    EXPECT_EQ(gzclose(file), Z_OK);
    return path;
  }
  Result<Ingested> ingest_file(const std::string& url, TextFormat format, Schema stated = {}) {
    last_ = std::to_string(++count_);
    return open()->ingest_text(source(url, std::move(format), std::move(stated)), 100,
                               folder_ / last_, folder_ / ("bad-" + last_), watch());
  }
  std::string error_of(const Result<Ingested>& ingested) {
    if (ingested.ok()) return "no error: " + rows(*ingested);
    EXPECT_EQ(ingested.error().error_class, ErrorClass::kUser);
    return ingested.error().code + ": " + ingested.error().message;
  }
};

TEST_F(TextIngestTest, utf16_is_told_whether_compressed_or_not) {
  const std::string little("\xFF\xFE\x61\x00\x0A\x00", 6);
  const std::string big("\xFE\xFF\x00\x61\x00\x0A", 6);
  for (const std::string& content : {little, big, little.substr(0, 2)}) {
    const std::string plain = folder_.write("w.csv", content);
    EXPECT_EQ(error_of(ingest_file(plain, CsvFormat{})),
              "source.utf16: \"" + plain + "\" is UTF-16");
    const std::string packed = gzipped("w.csv.gz", content);
    for (const Schema& stated : {Schema{}, Schema{{{"a", "BIGINT"}}}}) {
      EXPECT_EQ(error_of(ingest_file(packed, CsvFormat{}, stated)),
                "source.utf16: \"" + packed + "\" is UTF-16");
      EXPECT_EQ(error_of(ingest_file(packed, NdjsonFormat{}, stated)),
                "source.utf16: \"" + packed + "\" is UTF-16");
    }
  }
}

TEST_F(TextIngestTest, one_json_array_is_told_where_an_object_a_line_is_wanted) {
  const Schema stated{{{"a", "BIGINT"}}};
  for (const std::string content :
       {"[{\"a\": 1}, {\"a\": 2}]", "\xEF\xBB\xBF[{\"a\":1}]\n",
        "[\n  {\"a\": 1},\n  {\"a\": 2}\n]\n", " [{\"a\":1},\n{\"a\":2}]", "[ {\n\"a\":1}]", "[]\n",
        "[ ]", "\n[\r\n]"}) {
    for (const Schema& schema : {Schema{}, stated}) {
      const auto ingested = ingest("array.json", content, NdjsonFormat{}, schema);
      EXPECT_EQ(error_of(ingested),
                "ingest.json_array: \"" + folder_ / "array.json" + "\" is one JSON array")
          << content;
      EXPECT_EQ(ingested.ok() ? "" : ingested.error().hint,
                "write one object a line: `jq -c '.[]'` makes such a file of it");
    }
  }
  std::string great = "[{\"a\":0}";
  while (great.size() < (std::size_t{3} << 20)) great += ",{\"a\":1}";
  EXPECT_EQ(error_of(ingest("great.json", great + "]", NdjsonFormat{}, stated)),
            "ingest.json_array: \"" + folder_ / "great.json" + "\" is one JSON array");
}

TEST_F(TextIngestTest, the_array_may_be_any_file_of_a_glob) {
  folder_.write("in/a.json", "{\"a\": 1}\n");
  const std::string array = gzipped("in/b.json", "[{\"a\": 2}]");
  EXPECT_EQ(error_of(ingest_file(folder_ / "in/*.json", NdjsonFormat{})),
            "ingest.json_array: \"" + array + "\" is one JSON array");
}

// A line that begins with a bracket is a bad row as any other.
TEST_F(TextIngestTest, an_array_among_lines_is_a_bad_row) {
  for (const std::string first :
       {"[{\"a\": 1}]", "[]", "[1, 2]", "[INFO] started", "{\"a\": [\n"}) {
    const auto ingested = ingest("lines.json", first + "\n{\"a\": 1}\n", NdjsonFormat{});
    ASSERT_TRUE(ingested.ok()) << first << ingested.error().to_text();
    EXPECT_EQ(rows(*ingested), "a\n1\n") << first;
    EXPECT_EQ(ingested->quarantine.rows, 1) << first;
  }
  const auto later = ingest("later.json", "{\"a\": 1}\n[{\"a\": 2}]\n", NdjsonFormat{});
  ASSERT_TRUE(later.ok()) << later.error().to_text();
  EXPECT_EQ(later->quarantine.rows, 1);
}

}  // namespace
}  // namespace millrace::kernel
