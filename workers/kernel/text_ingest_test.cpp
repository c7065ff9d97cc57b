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

}  // namespace
}  // namespace millrace::kernel
