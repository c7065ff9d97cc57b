#include "cli/parameters.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/utf8.h"

namespace millrace::cli {

Result<std::vector<GivenParameter>> split_parameters(const std::vector<std::string>& arguments) {
  std::vector<GivenParameter> given;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{ErrorClass::kUser, "usage", "-p \"" + argument + "\" is not name=value"};
    for (const std::string& text : {argument.substr(0, equals), argument.substr(equals + 1)})
      if (valid_utf8_prefix(text) < text.size())
        return Error{ErrorClass::kUser, "parameter.encoding",
                     "-p \"" + argument.substr(0, equals) + "\" is no UTF-8",
                     "write it as base64, or put it into a file"};
    if (std::ranges::find(given, argument.substr(0, equals), &GivenParameter::name) != given.end())
      return Error{ErrorClass::kUser, "usage",
                   "-p \"" + argument.substr(0, equals) + "\" is given twice", "keep one"};
    given.push_back({argument.substr(0, equals), argument.substr(equals + 1)});
  }
  return given;
}

manifest::Value value_of_text(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  // 007 and -0 are codes and the like: as numbers they would be others.
  if (problem == std::errc() && rest == end && std::to_string(number) == text) return number;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    return text.substr(1, text.size() - 2);
  return text;
}

}  // namespace millrace::cli
