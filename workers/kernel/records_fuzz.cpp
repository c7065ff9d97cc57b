// libFuzzer: any bytes as a text file of records. They are found alike wherever the file is cut,
// each is what stands at its place, and its fields are read without harm. The first byte chooses
// options.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "workers/kernel/csv_fields.h"
#include "workers/kernel/json_fields.h"
#include "workers/kernel/testing/scan_text.h"

namespace {

using millrace::Result;
using namespace millrace::kernel;  // NOLINT(google-build-using-namespace): a program of one file

void read_fields(const testing::Found& found, char delimiter) {
  std::string bytes = found.bytes;
  bytes.append(kRecordPadding, '\0');
  const std::string_view record(bytes.data(), found.bytes.size());
  FieldList fields;
  CsvFields({.delimiter = delimiter}).split(record, fields);
  for (const Field& field : fields)
    MILLRACE_CHECK(field.length <= record.size(), "a field is longer than its record");
  JsonFields known({"a", "b"}, true);
  known.read(record, fields);
  MILLRACE_CHECK(fields.size() == 2, "a field for each column");
  std::vector<NamedField> all;
  known.read_all(record, all);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  ScanOptions options;
  if ((choice & 1) != 0) options.quote = '"';
  options.delimiter = (choice & 2) != 0 ? ';' : ',';
  options.empty_records = (choice & 4) != 0;
  if ((choice & 8) != 0) options.max_record_bytes = 24;
  const Result<std::vector<testing::Found>> whole = testing::scan_text(text, options, 1 << 20);
  options.block_bytes = std::size_t{1} + (choice >> 4);
  const Result<std::vector<testing::Found>> cut =
      testing::scan_text(text, options, std::size_t{1} + (choice >> 5));
  MILLRACE_CHECK(whole.ok() == cut.ok(), "a file fails where it is cut");
  if (!whole.ok()) return 0;  // UTF-16
  MILLRACE_CHECK(*whole == *cut, "records depend on where the file is cut");
  for (const testing::Found& found : *whole) {
    MILLRACE_CHECK(text.compare(found.offset, found.bytes.size(), found.bytes) == 0,
                   "a record is not what stands at its place");
    read_fields(found, options.delimiter);
  }
  return 0;
}
