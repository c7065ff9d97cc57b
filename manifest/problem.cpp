#include "manifest/problem.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/utf8.h"

namespace millrace::manifest {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "did you mean sql?" -> "Did you mean sql?"; "keep one" -> "Keep one."
std::string sentence(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  if (text.back() != '?' && text.back() != '.') text += '.';
  return text;
}

}  // namespace

std::string Problem::to_text() const {
  std::string text = file;
  if (line > 0) {
    if (!text.empty()) text += ':';
    text += std::to_string(line) + ':' + std::to_string(column);
  }
  if (!text.empty()) text += ' ';
  if (!error.path.empty()) text += error.path + ": ";
  text += error.message;
  if (!error.hint.empty()) text += ". " + sentence(error.hint);
  return text;
}

Finding make_finding(Error error, std::string pointer, std::optional<std::size_t> offset) {
  if (error.path.empty()) error.path = path_of_pointer(pointer);
  return {.error = std::move(error), .pointer = std::move(pointer), .offset = offset};
}

Error user_error(std::string_view code, std::string message, std::string hint) {
  return Error{.error_class = ErrorClass::kUser,
               .code = std::string(code),
               .message = std::move(message),
               .hint = std::move(hint)};
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 60;
  if (count_characters(text) <= kShown) return "\"" + std::string(text) + "\"";
  return "\"" + std::string(text.substr(0, whole_characters(text, kShown))) + "…\"";
}

std::string pointer_step(std::string_view key) {
  std::string step = "/";
  for (char c : key) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

std::string path_of_pointer(std::string_view pointer) {
  std::string path;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string_view step = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(step.size());
    if (all_digits(step)) {
      path += '[' + std::string(step) + ']';
      continue;
    }
    if (!path.empty()) path += '.';
    for (std::size_t i = 0; i < step.size(); ++i) {
      if (step[i] != '~' || i + 1 == step.size()) {
        path += step[i];
      } else {
        path += step[++i] == '1' ? '/' : '~';
      }
    }
  }
  return path;
}

}  // namespace millrace::manifest
