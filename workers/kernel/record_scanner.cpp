#include "workers/kernel/record_scanner.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::kernel {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::uint32_t line_feeds(std::string_view bytes) {
  return static_cast<std::uint32_t>(std::ranges::count(bytes, '\n'));
}

// Room for `capacity` bytes and the padding; what is there stays.
void reserve(RecordBlock& block, std::size_t capacity) {
  if (capacity <= block.capacity) return;
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity + kRecordPadding);
  if (block.size > 0) std::memcpy(bytes.get(), block.bytes.get(), block.size);
  block.bytes = std::move(bytes);
  block.capacity = capacity;
}

}  // namespace

RecordScanner::RecordScanner(std::unique_ptr<ByteSource> source, ScanOptions options)
    : source_(std::move(source)), options_(options), to_skip_(options.skip) {}

Result<bool> RecordScanner::next(RecordBlock& block) {
  block.records.clear();
  block.size = 0;
  std::size_t wanted = std::max(options_.block_bytes, carry_.size());
  reserve(block, wanted);
  if (!carry_.empty()) std::memcpy(block.bytes.get(), carry_.data(), carry_.size());
  block.size = carry_.size();
  carry_.clear();
  for (;;) {
    block.offset = offset_;
    block.first_record = record_;
    block.first_line = line_;
    MILLRACE_RETURN_IF_ERROR(fill(block, wanted));
    const std::size_t taken = scan(block);
    if (!block.records.empty()) {
      carry_.assign(block.bytes.get() + taken, block.size - taken);
      block.size = taken;
      std::memset(block.bytes.get() + block.size, 0, kRecordPadding);
      return true;
    }
    // Nothing but passed-over lines, or the begin of a record that is longer than the block.
    std::memmove(block.bytes.get(), block.bytes.get() + taken, block.size - taken);
    block.size -= taken;
    if (at_end_) return false;
    wanted = block.size + options_.block_bytes;
    reserve(block, wanted);
  }
}

Status RecordScanner::fill(RecordBlock& block, std::size_t wanted) {
  while (!at_end_ && block.size < wanted) {
    MILLRACE_TRY(count, source_->read(block.bytes.get() + block.size, wanted - block.size));
    if (count == 0) at_end_ = true;
    block.size += count;
  }
  return ok_status();
}

// Adds the block's records and says how many bytes they and the lines passed over take.
std::size_t RecordScanner::scan(RecordBlock& block) {
  const std::string_view bytes = block.all();
  std::size_t begin = 0;
  std::uint32_t line = 0;
  next_quote_ = 0;
  next_feed_ = 0;
  if (!std::exchange(started_, true) && bytes.starts_with(kByteOrderMark))
    begin = kByteOrderMark.size();
  while (begin < bytes.size()) {
    if (in_long_record_) {
      const std::size_t feed = next_place(bytes, next_feed_, '\n', begin);
      in_long_record_ = feed == kNowhere;
      begin = in_long_record_ ? bytes.size() : feed + 1;
      line += in_long_record_ ? 0 : 1;
      continue;
    }
    const RecordEnd end = find_end(bytes, begin);
    if (end.at == kNowhere) {
      if (!at_end_ && bytes.size() - begin <= options_.max_record_bytes) break;
      begin = take_rest(block, begin, end.in_quotes, line);
      continue;
    }
    if (end.at - begin > options_.max_record_bytes) {
      begin = take_rest(block, begin, end.quoted, line);
      continue;
    }
    const std::size_t stop = end.at > begin && bytes[end.at - 1] == '\r' ? end.at - 1 : end.at;
    add(block, begin, stop, line, RecordFault::kNone);
    line += end.quoted ? line_feeds(bytes.substr(begin, end.at - begin)) + 1 : 1;
    begin = end.at + 1;
  }
  offset_ += begin;
  line_ += line;
  return begin;
}

// A record whose end is not there: the file ends, its quote never closes, or it is too long.
std::size_t RecordScanner::take_rest(RecordBlock& block, std::size_t begin, bool in_quotes,
                                     std::uint32_t& line) {
  const std::string_view bytes = block.all();
  if (!in_quotes && bytes.size() - begin <= options_.max_record_bytes) {
    add(block, begin, bytes.size(), line, RecordFault::kNone);
    line += line_feeds(bytes.substr(begin));
    return bytes.size();
  }
  const std::size_t feed = std::min(bytes.find('\n', begin), bytes.size());
  // The scan goes on behind this line, so places found further on may be looked for again.
  next_quote_ = 0;
  next_feed_ = 0;
  if (feed - begin > options_.max_record_bytes) {
    add(block, begin, begin + options_.max_record_bytes, line, RecordFault::kTooLong);
    in_long_record_ = true;
    return begin + options_.max_record_bytes;
  }
  const bool carriage = feed < bytes.size() && feed > begin && bytes[feed - 1] == '\r';
  const std::size_t stop = carriage ? feed - 1 : feed;
  add(block, begin, stop, line, in_quotes ? RecordFault::kUnclosedQuote : RecordFault::kTooLong);
  ++line;
  return std::min(feed + 1, bytes.size());
}

void RecordScanner::add(RecordBlock& block, std::size_t begin, std::size_t end, std::uint32_t line,
                        RecordFault fault) {
  if (begin == end && !options_.empty_records) return;
  if (to_skip_ > 0) {
    --to_skip_;
    return;
  }
  if (block.records.empty()) block.first_record = record_;
  block.records.push_back(
      {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin), line, fault});
  ++record_;
}

// Each place is looked for once: `known` is the last one found, and stands until it is passed.
std::size_t RecordScanner::next_place(std::string_view bytes, std::size_t& known, char wanted,
                                      std::size_t from) {
  if (known != kNowhere && (known < from || known == 0)) {
    const void* found = std::memchr(bytes.data() + from, wanted, bytes.size() - from);
    known = found == nullptr
                ? kNowhere
                : static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
  }
  return known;
}

RecordScanner::RecordEnd RecordScanner::find_end(std::string_view bytes, std::size_t begin) {
  if (!options_.quote.has_value())
    return {next_place(bytes, next_feed_, '\n', begin), false, false};
  const char quote = *options_.quote;
  bool quoted = false;
  std::size_t at = begin;
  for (;;) {
    const std::size_t feed = next_place(bytes, next_feed_, '\n', at);
    const std::size_t open = next_place(bytes, next_quote_, quote, at);
    if (open >= feed) return {feed, false, quoted};  // kNowhere is the greatest place
    quoted = true;
    at = open + 1;
    if (open != begin && bytes[open - 1] != options_.delimiter) continue;
    for (;;) {
      const std::size_t close = next_place(bytes, next_quote_, quote, at);
      if (close == kNowhere) return {kNowhere, true, true};
      at = close + 1;
      if (at >= bytes.size() || bytes[at] != quote) break;
      ++at;  // a doubled quote
    }
    if (at >= bytes.size()) return {kNowhere, false, true};
  }
}

}  // namespace millrace::kernel
