#include "workers/runtime/own_secrets.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>

namespace millrace::runtime {
namespace {

constexpr std::size_t kShortestValue = 8;
constexpr std::string_view kWords[] = {"SECRET", "TOKEN",      "PASSWORD", "PASSWD", "PASSPHRASE",
                                       "APIKEY", "CREDENTIAL", "_KEY",     "_AUTH",  "_PWD"};

void add_lines(std::string_view value, std::vector<std::string>& secrets) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find('\n'), value.size());
    if (end >= kShortestValue) secrets.emplace_back(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

}  // namespace

bool names_a_secret(std::string_view variable) {
  std::string upper(variable);
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return std::ranges::any_of(
      kWords, [&](std::string_view word) { return upper.find(word) != std::string::npos; });
}

std::vector<std::string> own_secrets(const std::string& token,
                                     const std::vector<std::string>& environment) {
  std::vector<std::string> secrets;
  add_lines(token, secrets);
  for (const std::string_view variable : environment) {
    const std::size_t equals = variable.find('=');
    if (equals != std::string_view::npos && names_a_secret(variable.substr(0, equals)))
      add_lines(variable.substr(equals + 1), secrets);
  }
  return secrets;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
}

}  // namespace millrace::runtime
