#include "manifest/json_reader.h"

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "manifest/json.h"

namespace millrace::manifest {
namespace {

// Tells how far the library has read, since its events don't say where they are.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  CountingIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}
  char operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    *reached_ = at_;
    return *this;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) {
    return a.at_ == b.at_;
  }
  friend bool operator!=(const CountingIterator& a, const CountingIterator& b) {
    return a.at_ != b.at_;
  }

 private:
  const char* at_;
  const char** reached_;
};

class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(const std::string& text, const ReadLimits& limits) : text_(text), limits_(limits) {
    reached = text_.data();
  }

  const char* reached;
  Node root;
  std::optional<Error> refusal;
  std::uint32_t failed_at = 0;

  bool null() override { return scalar(Node::Kind::kNull, {}); }
  bool boolean(bool) override { return scalar(Node::Kind::kPlain, token()); }
  bool number_integer(number_integer_t) override { return scalar(Node::Kind::kPlain, token()); }
  bool number_unsigned(number_unsigned_t) override { return scalar(Node::Kind::kPlain, token()); }
  bool number_float(number_float_t, const string_t&) override {
    return scalar(Node::Kind::kPlain, token());
  }
  bool string(string_t& value) override {
    const std::uint32_t begin = string_begin();
    return add(Node{.kind = Node::Kind::kText,
                    .offset = begin,
                    .text = std::move(value),
                    .keys = {},
                    .items = {}});
  }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return start(Node::Kind::kMap); }
  bool start_array(std::size_t) override { return start(Node::Kind::kList); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(string_t& value) override {
    open_.back()->keys.push_back(
        {.text = std::move(value), .offset = string_begin(), .plain = false});
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    failed_at = static_cast<std::uint32_t>(position == 0 ? 0 : position - 1);
    return false;
  }

 private:
  bool start(Node::Kind kind) {
    if (open_.size() >= limits_.depth)
      return refuse(user_error(
          "document.depth", "is nested deeper than " + std::to_string(limits_.depth) + " levels"));
    Node node{.kind = kind, .offset = behind() - 1, .text = {}, .keys = {}, .items = {}};
    if (!add(std::move(node))) return false;
    open_.push_back(open_.empty() ? &root : &open_.back()->items.back());
    return true;
  }
  bool end() {
    open_.pop_back();
    return true;
  }
  bool scalar(Node::Kind kind, std::string text) {
    return add(Node{
        .kind = kind, .offset = token_begin(), .text = std::move(text), .keys = {}, .items = {}});
  }
  // Parents are not moved while they are open: a list grows only at its end, after its items have
  // closed.
  bool add(Node node) {
    if (++nodes_ > limits_.nodes)
      return refuse(user_error("document.nodes",
                               "has more than " + std::to_string(limits_.nodes) + " values"));
    if (open_.empty()) {
      root = std::move(node);
    } else {
      open_.back()->items.push_back(std::move(node));
    }
    return true;
  }
  bool refuse(Error error) {
    refusal = std::move(error);
    failed_at = behind() == 0 ? 0 : behind() - 1;
    return false;
  }

  std::uint32_t behind() const { return static_cast<std::uint32_t>(reached - text_.data()); }
  static bool in_token(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' ||
           c == 'E';
  }
  // The library may have read one character beyond a number.
  std::uint32_t token_end() const {
    std::uint32_t end = behind();
    while (end > 0 && !in_token(text_[end - 1])) --end;
    return end;
  }
  std::uint32_t token_begin() const {
    std::uint32_t begin = token_end();
    while (begin > 0 && in_token(text_[begin - 1])) --begin;
    return begin;
  }
  std::string token() const { return text_.substr(token_begin(), token_end() - token_begin()); }
  // Back to the quote that no odd number of backslashes stands before; inside there is none such.
  std::uint32_t string_begin() const {
    std::uint32_t at = behind() - 1;
    while (at > 0) {
      --at;
      if (text_[at] != '"') continue;
      std::uint32_t slashes = 0;
      while (slashes < at && text_[at - slashes - 1] == '\\') ++slashes;
      if (slashes % 2 == 0) return at;
    }
    return 0;
  }

  const std::string& text_;
  const ReadLimits& limits_;
  std::vector<Node*> open_;
  std::uint32_t nodes_ = 0;
};

}  // namespace

ReadDocument read_json(const Source& source, const ReadLimits& limits, Problems& problems) {
  const std::string& text = source.text();
  const auto refuse = [&](Error error, std::size_t at) {
    problems.push_back(source.problem(std::move(error), {}, source.position(at)));
    return ReadDocument{};
  };
  if (text.size() > limits.bytes)
    return refuse(
        user_error("document.size", "is larger than " + std::to_string(limits.bytes) + " bytes"),
        0);
  if (const std::size_t valid = valid_utf8_prefix(text); valid < text.size())
    return refuse(user_error("document.encoding", "is no UTF-8 here", "save the file as UTF-8"),
                  valid);
  Builder builder(text, limits);
  const CountingIterator begin(text.data(), &builder.reached);
  const CountingIterator end(text.data() + text.size(), &builder.reached);
  if (Json::sax_parse(begin, end, &builder)) return {.ok = true, .root = std::move(builder.root)};
  if (builder.refusal) return refuse(*std::move(builder.refusal), builder.failed_at);
  return refuse(
      user_error("json.syntax", "is no JSON from here on", "check quotes, commas and brackets"),
      builder.failed_at);
}

}  // namespace millrace::manifest
