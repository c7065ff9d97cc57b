#include "workers/kernel/record_scanner.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace millrace::kernel {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::array<std::string_view, 2> kUtf16Marks{"\xFF\xFE", "\xFE\xFF"};  // no UTF-8

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
  // Of the first block a whole mark, however small blocks are.
  const std::size_t least = started_ ? carry_.size() : kByteOrderMark.size();
  std::size_t wanted = std::max(options_.block_bytes, least);
  reserve(block, wanted);
  if (!carry_.empty()) std::memcpy(block.bytes.get(), carry_.data(), carry_.size());
  block.size = carry_.size();
  carry_.clear();
  for (;;) {
    block.offset = offset_;
    block.first_record = record_;
    block.first_line = line_;
    MILLRACE_RETURN_IF_ERROR(fill(block, wanted));
    MILLRACE_TRY(taken, scan(block));
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
Result<std::size_t> RecordScanner::scan(RecordBlock& block) {
  const std::string_view bytes = block.all();
  std::size_t begin = 0;
  std::uint32_t line = 0;
  next_quote_ = 0;
  next_feed_ = 0;
  if (!std::exchange(started_, true)) {
    if (std::ranges::any_of(kUtf16Marks, [&](auto mark) { return bytes.starts_with(mark); }))
      return Error{ErrorClass::kUser, "source.utf16", "\"" + source_->name() + "\" is UTF-16",
                   "write it as UTF-8"};
    if (bytes.starts_with(kByteOrderMark)) begin = kByteOrderMark.size();
  }
  while (begin < bytes.size()) {
    if (offset_ + begin < pass_over_) {
      const std::size_t stop = std::min<std::uint64_t>(bytes.size(), pass_over_ - offset_);
      line += line_feeds(bytes.substr(begin, stop - begin));
      begin = stop;
      continue;
    }
    const RecordEnd end = find_end(bytes, begin);
    const bool ended = end.at != kNowhere;
    if (!ended && !at_end_ && bytes.size() - begin <= options_.max_record_bytes) break;
    if (!ended || end.at - begin > options_.max_record_bytes) {
      MILLRACE_TRY(taken, take_rest(block, begin, end, line));
      begin = taken;
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

// A record that is too long, or whose end is not there: the file ends, or its quote never closes.
Result<std::size_t> RecordScanner::take_rest(RecordBlock& block, std::size_t begin,
                                             const RecordEnd& end, std::uint32_t& line) {
  const std::string_view bytes = block.all();
  std::optional<std::uint64_t> behind;  // in the stream
  if (end.at != kNowhere) {
    behind = offset_ + end.at + 1;
  } else if (at_end_) {
    if (!end.in_quotes) behind = offset_ + bytes.size();
  } else {
    MILLRACE_TRY(found,
                 lookahead_.end_of(*source_, offset_ + begin, options_.quote, options_.delimiter));
    behind = found;
  }
  if (!behind.has_value()) return take_first_line(block, begin, line);
  const std::size_t stop = std::min(bytes.size(), begin + options_.max_record_bytes);
  const bool too_long = *behind - offset_ - begin > options_.max_record_bytes;
  add(block, begin, stop, line, too_long ? RecordFault::kTooLong : RecordFault::kNone);
  pass_over_ = *behind;
  line += line_feeds(bytes.substr(begin, stop - begin));
  return stop;
}

// The first line of a record whose quote never closes.
Result<std::size_t> RecordScanner::take_first_line(RecordBlock& block, std::size_t begin,
                                                   std::uint32_t& line) {
  const std::string_view bytes = block.all();
  const std::size_t feed = std::min(bytes.find('\n', begin), bytes.size());
  // The scan goes on behind this line, so places found further on may be looked for again.
  next_quote_ = 0;
  next_feed_ = 0;
  if (feed - begin > options_.max_record_bytes) {
    const std::size_t stop = begin + options_.max_record_bytes;
    add(block, begin, stop, line, RecordFault::kTooLong);
    pass_over_ = offset_ + feed + 1;
    if (feed == bytes.size() && !at_end_) {
      MILLRACE_TRY(behind, lookahead_.end_of(*source_, offset_ + begin, std::nullopt, '\0'));
      pass_over_ = behind.value_or(pass_over_);  // without quotes there is an end
    }
    return stop;
  }
  const bool carriage = feed < bytes.size() && feed > begin && bytes[feed - 1] == '\r';
  add(block, begin, carriage ? feed - 1 : feed, line, RecordFault::kUnclosedQuote);
  ++line;
  return std::min(feed + 1, bytes.size());
}

void RecordScanner::add(RecordBlock& block, std::size_t begin, std::size_t end, std::uint32_t line,
                        RecordFault fault) {
  // Above a header an empty line is none of its records, however many columns it names.
  if (begin == end && (!options_.empty_records || to_skip_ > 0)) return;
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
