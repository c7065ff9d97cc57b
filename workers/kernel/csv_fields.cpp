#include "workers/kernel/csv_fields.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace millrace::kernel {
namespace {

constexpr std::uint64_t kLowBits = 0x7F7F7F7F7F7F7F7FULL;
constexpr std::uint64_t kEachByte = 0x0101010101010101ULL;

// The high bit of each byte of `word` that equals `pattern`'s, exactly.
std::uint64_t equal_bytes(std::uint64_t word, std::uint64_t pattern) {
  const std::uint64_t difference = word ^ pattern;
  return ~(((difference & kLowBits) + kLowBits) | difference | kLowBits);
}

std::uint64_t load(const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

Field CsvFields::unquoted(const char* begin, const char* end) const {
  const auto length = static_cast<std::uint32_t>(end - begin);
  if (length == 0) return {};
  for (const std::string& null : format_.nulls)
    if (null.size() == length && std::memcmp(null.data(), begin, length) == 0) return {};
  return {begin, length, FieldKind::kText};
}

// Eight bytes at a time; leaves for split_quoted at the first quote.
FieldFault CsvFields::split(std::string_view record, FieldList& fields) {
  fields.clear();
  const std::uint64_t delimiters = kEachByte * static_cast<unsigned char>(format_.delimiter);
  const std::uint64_t quotes = kEachByte * static_cast<unsigned char>(format_.quote);
  const char* const end = record.data() + record.size();
  const char* field = record.data();
  for (const char* at = record.data(); at < end; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = load(at);
    std::uint64_t found = equal_bytes(word, delimiters);
    std::uint64_t quote = equal_bytes(word, quotes);
    if (const std::size_t left = static_cast<std::size_t>(end - at); left < sizeof word) {
      const std::uint64_t inside = (std::uint64_t{1} << (8 * left)) - 1;
      found &= inside;
      quote &= inside;
    }
    if (quote != 0) return split_quoted(record, fields);
    for (; found != 0; found &= found - 1) {
      const char* const delimiter = at + std::countr_zero(found) / 8;
      fields.add(unquoted(field, delimiter));
      field = delimiter + 1;
    }
  }
  fields.add(unquoted(field, end));
  return FieldFault::kNone;
}

FieldFault CsvFields::split_quoted(std::string_view record, FieldList& fields) {
  fields.clear();
  // Never longer than the record, so that views into it stay.
  unescaped_.clear();
  unescaped_.reserve(record.size() + kFieldPadding);
  const char* at = record.data();
  const char* const end = at + record.size();
  for (;;) {
    if (at == end || *at != format_.quote) {
      const char* const stop = std::find(at, end, format_.delimiter);
      fields.add(unquoted(at, stop));
      at = stop;
    } else {
      const char* const begin = ++at;
      const char* close = std::find(begin, end, format_.quote);
      Field field{begin, static_cast<std::uint32_t>(close - begin), FieldKind::kQuoted};
      if (close + 1 < end && close[1] == format_.quote) {
        const std::size_t start = unescaped_.size();
        const char* from = begin;
        while (close + 1 < end && close[1] == format_.quote) {
          unescaped_.append(from, close + 1);
          from = close + 2;
          close = std::find(from, end, format_.quote);
        }
        unescaped_.append(from, close);
        field.data = unescaped_.data() + start;
        field.length = static_cast<std::uint32_t>(unescaped_.size() - start);
      }
      fields.add(field);
      at = close == end ? end : close + 1;
      if (at != end && *at != format_.delimiter) return FieldFault::kStrayText;
    }
    if (at == end) return FieldFault::kNone;
    ++at;
  }
}

}  // namespace millrace::kernel
