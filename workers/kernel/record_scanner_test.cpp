#include "workers/kernel/record_scanner.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/contents.h"
#include "workers/kernel/testing/scan_text.h"
#include "workers/kernel/testing/temp_folder.h"

namespace millrace::kernel {
namespace {

using millrace::testing::TempFolder;
using testing::Found;

constexpr ScanOptions kCsv{.quote = '"', .delimiter = ','};

std::vector<Found> scan(const std::string& bytes, ScanOptions options,
                        std::size_t piece = 1 << 20) {
  const auto found = testing::scan_text(bytes, options, piece);
  EXPECT_TRUE(found.ok()) << found.error().to_text();
  return found.ok() ? *found : std::vector<Found>();
}

std::vector<std::string> texts(const std::vector<Found>& found) {
  std::vector<std::string> texts;
  texts.reserve(found.size());
  for (const Found& record : found) texts.push_back(record.bytes);
  return texts;
}
using Texts = std::vector<std::string>;

// The rules of the header, one byte after another, over the whole text.
std::vector<Found> scan_plainly(const std::string& text, const ScanOptions& options) {
  std::vector<Found> found;
  std::size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  std::uint64_t line = 1;
  while (begin < text.size()) {
    bool inside = false;
    std::size_t at = begin;
    for (; at < text.size(); ++at) {
      if (inside) {
        if (text[at] != *options.quote) continue;
        if (at + 1 < text.size() && text[at + 1] == *options.quote)
          ++at;
        else
          inside = false;
      } else if (text[at] == '\n') {
        break;
      } else if (text[at] == *options.quote && (at == begin || text[at - 1] == options.delimiter)) {
        inside = true;
      }
    }
    RecordFault fault = RecordFault::kNone;
    if (inside) {
      fault = RecordFault::kUnclosedQuote;
      at = std::min(text.find('\n', begin), text.size());
    }
    std::size_t stop = at;
    if (at - begin > options.max_record_bytes) {
      fault = RecordFault::kTooLong;
      stop = begin + options.max_record_bytes;
    } else if (at < text.size() && stop > begin && text[stop - 1] == '\r') {
      --stop;
    }
    if (stop > begin)
      found.push_back({found.size() + 1, line, begin, text.substr(begin, stop - begin), fault});
    line += static_cast<std::uint64_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                                  text.begin() + static_cast<std::ptrdiff_t>(at),
                                                  '\n'));
    line += at < text.size() ? 1 : 0;
    begin = at + 1;
  }
  return found;
}

TEST(RecordScanner, finds_records_between_line_feeds) {
  EXPECT_EQ(texts(scan("a,1\nb,2\n", kCsv)), (Texts{"a,1", "b,2"}));
  EXPECT_EQ(texts(scan("a,1\r\nb,2\r\n", kCsv)), (Texts{"a,1", "b,2"}));
  EXPECT_EQ(texts(scan("a,1\nb,2", kCsv)), (Texts{"a,1", "b,2"})) << "no line end at the end";
  EXPECT_EQ(texts(scan("", kCsv)), Texts{});
  EXPECT_EQ(texts(scan("\n\n\r\n", kCsv)), Texts{}) << "empty lines are no records";
}

TEST(RecordScanner, counts_lines_and_bytes_through_quoted_line_feeds) {
  const auto found = scan("a,\"x\ny\"\n\nb,2\r\nc,3", kCsv);
  EXPECT_EQ(found,
            (std::vector<Found>{{1, 1, 0, "a,\"x\ny\""}, {2, 4, 9, "b,2"}, {3, 5, 14, "c,3"}}));
}

TEST(RecordScanner, takes_a_quote_inside_a_field_as_a_byte) {
  EXPECT_EQ(texts(scan("5\" pipe,1\n6\" pipe,2\n", kCsv)), (Texts{"5\" pipe,1", "6\" pipe,2"}));
  EXPECT_EQ(texts(scan("\"say \"\"hi\n\"\"\",1\nb\n", kCsv)),
            (Texts{"\"say \"\"hi\n\"\"\",1", "b"}));
}

TEST(RecordScanner, spoils_only_the_line_whose_quote_never_closes) {
  const auto found = scan("a,1\nb,\"2\nc,3\nd,4\n", kCsv);
  EXPECT_EQ(found, (std::vector<Found>{{1, 1, 0, "a,1"},
                                       {2, 2, 4, "b,\"2", RecordFault::kUnclosedQuote},
                                       {3, 3, 9, "c,3"},
                                       {4, 4, 13, "d,4"}}));
}

TEST(RecordScanner, passes_over_a_byte_order_mark_and_a_header) {
  ScanOptions options = kCsv;
  options.skip = 1;
  EXPECT_EQ(scan("\xEF\xBB\xBFn\na\n", options), (std::vector<Found>{{1, 2, 5, "a"}}));
}

TEST(RecordScanner, knows_a_byte_order_mark_in_the_smallest_blocks) {
  ScanOptions options = kCsv;
  options.block_bytes = 1;
  EXPECT_EQ(scan("\xEF\xBB\xBFn\na\n", options, 1),
            (std::vector<Found>{{1, 1, 3, "n"}, {2, 2, 5, "a"}}));
  const auto utf16 = testing::scan_text("\xFE\xFF", options, 1);
  ASSERT_FALSE(utf16.ok());
  EXPECT_EQ(utf16.error().code, "source.utf16");
}

TEST(RecordScanner, keeps_empty_records_where_they_mean_null) {
  ScanOptions options = kCsv;
  options.empty_records = true;
  EXPECT_EQ(texts(scan("a\n\nb\n", options)), (Texts{"a", "", "b"}));
}

TEST(RecordScanner, gives_the_begin_of_a_record_that_is_too_long_and_goes_on) {
  ScanOptions options = kCsv;
  options.block_bytes = 16;
  options.max_record_bytes = 20;
  const std::string text =
      "a\n" + std::string(100, 'x') + "\nb\n\"" + std::string(70, 'y') + "\nc\nd\n";
  const auto found = scan(text, options, 7);
  ASSERT_EQ(texts(found),
            (Texts{"a", std::string(20, 'x'), "b", "\"" + std::string(19, 'y'), "c", "d"}));
  EXPECT_EQ(found[1].fault, RecordFault::kTooLong);
  EXPECT_EQ(found[3].fault, RecordFault::kTooLong);
  EXPECT_EQ(found[4].line, 5U);
  EXPECT_EQ(text.substr(found[5].offset, 1), "d");
}

// Its quote closes, however far away: then all of it is one record, and no line of it another one.
TEST(RecordScanner, a_quoted_record_that_is_too_long_is_one_record) {
  std::string inner;
  for (int i = 0; i < 250'000; ++i) inner += std::to_string(i) + ",inner\n";
  const std::string text = "a,b\n1,\"" + inner + "\",\"\n\"\"\"\n2,ok\n";
  const auto found = scan(text, kCsv, 1 << 20);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].fault, RecordFault::kTooLong);
  EXPECT_EQ(found[1].bytes, text.substr(4, kCsv.max_record_bytes));
  EXPECT_EQ(found[2], (Found{3, 250'004, text.size() - 5, "2,ok"}));
  // One that does not close spoils its line, as ever.
  const auto open = scan("a,b\n1,\"x\n" + inner, kCsv, 1 << 20);
  ASSERT_EQ(open.size(), 250'002U);
  EXPECT_EQ(open[1], (Found{2, 2, 4, "1,\"x", RecordFault::kUnclosedQuote}));
  EXPECT_EQ(open[2], (Found{3, 3, 9, "0,inner"}));
}

TEST(RecordScanner, without_quotes_a_quote_is_a_byte) {
  EXPECT_EQ(texts(scan("{\"a\":\"\n\"}\n", {.quote = std::nullopt})), (Texts{"{\"a\":\"", "\"}"}));
}

// Texts of the bytes that matter, in blocks and pieces of any size, against the plain rules.
TEST(RecordScanner, agrees_with_the_plain_rules_on_any_text) {
  constexpr std::string_view kBytes = "aa,,\"\"\n\n\r";
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    std::string text;
    for (std::size_t length = below(80); length > 0; --length) text += kBytes[below(kBytes.size())];
    ScanOptions options = kCsv;
    options.block_bytes = 1 + below(20);
    if (seed % 2 == 0) options.max_record_bytes = 1 + below(20);
    const auto found = scan(text, options, 1 + below(9));
    ASSERT_EQ(found, scan_plainly(text, options))
        << "seed " << seed << ": " << ::testing::PrintToString(text);
    for (const Found& record : found)
      ASSERT_EQ(text.substr(record.offset, record.bytes.size()), record.bytes) << "seed " << seed;
  }
}

TEST(ByteSource, reads_gzip_of_several_members_and_knows_its_damage) {
  const TempFolder folder;
  const std::string path = folder / "x.gz";
  for (const char* const mode : {"wb", "ab"}) {
    gzFile file = gzopen(path.c_str(), mode);
    gzputs(file, "a,1\nb,");
    gzclose(file);
  }
  const auto read_all = [](const std::string& name) -> Result<std::string> {
    MILLRACE_TRY(source, open_byte_source(process::OwnedFd(::open(name.c_str(), O_RDONLY)),
                                          Compression::kAuto, name));
    std::string text;
    for (char buffer[5];;) {
      MILLRACE_TRY(count, source->read(buffer, sizeof buffer));
      if (count == 0) return text;
      text.append(buffer, count);
    }
  };
  const auto whole = read_all(path);
  ASSERT_TRUE(whole.ok()) << whole.error().to_text();
  EXPECT_EQ(*whole, "a,1\nb,a,1\nb,");
  const std::string bytes = contents_of_file(path);
  const auto cut = read_all(folder.write("cut.gz", bytes.substr(0, bytes.size() - 3)));
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().code, "source.gzip_corrupt");
  std::string spoiled = bytes;
  spoiled[15] = static_cast<char>(spoiled[15] ^ 0x55);
  EXPECT_FALSE(read_all(folder.write("spoiled.gz", spoiled)).ok());
}

TEST(ByteSource, a_file_that_is_cut_or_written_anew_while_it_is_read_is_told_at_its_end) {
  const TempFolder folder;
  const auto read_while = [&](const std::function<void(const std::string&)>& change) {
    const std::string path = folder.write("c.csv", "1,2,3,4,5,6,7,8,9");
    ::timespec old[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ::utimensat(AT_FDCWD, path.c_str(), old, 0);
    auto source = open_byte_source(process::OwnedFd(::open(path.c_str(), O_RDONLY)),
                                   Compression::kNone, path);
    EXPECT_TRUE(source.ok());
    char buffer[4];
    EXPECT_TRUE((*source)->read(buffer, sizeof buffer).ok());
    change(path);
    for (;;) {
      const Result<std::size_t> count = (*source)->read(buffer, sizeof buffer);
      if (!count.ok()) return count.error().code;
      if (*count == 0) return std::string();
    }
  };
  EXPECT_EQ(read_while([](const std::string&) {}), "");
  EXPECT_EQ(read_while([](const std::string& path) { std::filesystem::resize_file(path, 6); }),
            "source.changed");
  EXPECT_EQ(read_while([&](const std::string&) { folder.write("c.csv", "9,8,7,6,5,4,3,2,1"); }),
            "source.changed");
  EXPECT_EQ(read_while([&](const std::string&) { folder.write("c.csv", "1,2,3,4,5,6,7,8,9,10"); }),
            "")
      << "it grew";
}

// Whoever reads a file through, to its end perhaps, hears of it: nothing more is read.
TEST(ByteSource, reads_nothing_once_it_is_stopped) {
  const TempFolder folder;
  const std::string path = folder / "x.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  gzputs(file, "a,1\nb,2\n");
  gzclose(file);
  for (const Compression compression : {Compression::kNone, Compression::kGzip}) {
    std::stop_source stop;
    const auto source = open_byte_source(process::OwnedFd(::open(path.c_str(), O_RDONLY)),
                                         compression, path, stop.get_token());
    ASSERT_TRUE(source.ok()) << source.error().to_text();
    stop.request_stop();
    const auto again = (*source)->again();
    ASSERT_TRUE(again.ok()) << again.error().to_text();
    for (ByteSource* const stopped : {source->get(), again->get()}) {
      char byte = 0;
      const auto read = stopped->read(&byte, 1);
      ASSERT_FALSE(read.ok());
      EXPECT_EQ(read.error().code, "task.cancelled");
    }
  }
}

// It lies far ahead, if anywhere: the search for it is stopped like any reading.
TEST(RecordScanner, the_search_for_a_records_end_is_stopped) {
  const TempFolder folder;
  const std::string path =
      folder.write("open.csv", "\"" + std::string(kCsv.max_record_bytes * 2, 'x'));
  std::stop_source stop;
  // Stops when the scanner first asks for its bytes anew, and so ahead of it.
  class Ahead final : public ByteSource {
   public:
    Ahead(std::unique_ptr<ByteSource> source, std::stop_source& stop)
        : source_(std::move(source)), stop_(stop) {}
    Result<std::size_t> read(char* out, std::size_t capacity) override {
      return source_->read(out, capacity);
    }
    std::uint64_t consumed() const override { return source_->consumed(); }
    const std::string& name() const override { return source_->name(); }
    Result<std::unique_ptr<ByteSource>> again() const override {
      stop_.request_stop();
      return source_->again();
    }

   private:
    std::unique_ptr<ByteSource> source_;
    std::stop_source& stop_;
  };
  auto source = open_byte_source(process::OwnedFd(::open(path.c_str(), O_RDONLY)),
                                 Compression::kNone, path, stop.get_token());
  ASSERT_TRUE(source.ok()) << source.error().to_text();
  RecordScanner scanner(std::make_unique<Ahead>(std::move(*source), stop), kCsv);
  RecordBlock block;
  const auto found = scanner.next(block);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, "task.cancelled");
}

}  // namespace
}  // namespace millrace::kernel
