#include "workers/kernel/json_text.h"

#include <algorithm>
#include <string>

namespace millrace::kernel {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Takes tokens off the front of a text; false, or nothing taken, where there is none.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  void skip_spaces() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }
  bool take(char wanted) {
    if (at_end() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool take_string() {
    if (!take('"')) return false;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !take_escape()) return false;
    }
    return false;
  }
  bool take_number() {
    take('-');
    const std::size_t begin = at_;
    if (!take_digits() || (text_[begin] == '0' && at_ - begin > 1)) return false;
    if (take('.') && !take_digits()) return false;
    if (take('e') || take('E')) {
      if (!take('-')) take('+');
      return take_digits();
    }
    return true;
  }
  bool take_scalar() {
    if (at_end()) return false;
    switch (text_[at_]) {
      case '"':
        return take_string();
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return take_number();
    }
  }

 private:
  bool take_digits() {
    const std::size_t begin = at_;
    while (!at_end() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
  }
  bool take_escape() {
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    if (at_end()) return false;
    const char c = text_[at_++];
    if (c != 'u') return kEscapes.find(c) != std::string_view::npos;
    const std::string_view digits = text_.substr(at_, 4);
    at_ += digits.size();
    return digits.size() == 4 && std::ranges::all_of(digits, is_hex);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// The name and colon of an object's member.
bool take_name(Tokens& tokens) {
  tokens.skip_spaces();
  if (!tokens.take_string()) return false;
  tokens.skip_spaces();
  return tokens.take(':');
}

enum class Began { kNothing, kValue, kNested };

// Takes a scalar or an empty array or object whole; of others what stands before their first
// value, and adds the bracket that closes them to `open`.
Began begin_value(Tokens& tokens, std::string& open) {
  tokens.skip_spaces();
  if (tokens.take('[')) {
    tokens.skip_spaces();
    if (tokens.take(']')) return Began::kValue;
    open += ']';
    return Began::kNested;
  }
  if (tokens.take('{')) {
    tokens.skip_spaces();
    if (tokens.take('}')) return Began::kValue;
    open += '}';
    return take_name(tokens) ? Began::kNested : Began::kNothing;
  }
  return tokens.take_scalar() ? Began::kValue : Began::kNothing;
}

}  // namespace

bool is_json(std::string_view text) {
  Tokens tokens(text);
  std::string open;  // the brackets that are to close
  for (;;) {
    const Began began = begin_value(tokens, open);
    if (began == Began::kNothing) return false;
    if (began == Began::kNested) continue;
    tokens.skip_spaces();
    while (!open.empty() && tokens.take(open.back())) {
      open.pop_back();
      tokens.skip_spaces();
    }
    if (open.empty()) return tokens.at_end();
    if (!tokens.take(',') || (open.back() == '}' && !take_name(tokens))) return false;
  }
}

bool is_json_number(std::string_view text) {
  Tokens tokens(text);
  return tokens.take_number() && tokens.at_end();
}

}  // namespace millrace::kernel
