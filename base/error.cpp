#include "base/error.h"

#include <array>

namespace millrace {
namespace {
constexpr std::array<std::pair<ErrorClass, std::string_view>, 5> kNames{{
    {ErrorClass::kUser, "User"},
    {ErrorClass::kTransient, "Transient"},
    {ErrorClass::kResource, "Resource"},
    {ErrorClass::kInfrastructure, "Infrastructure"},
    {ErrorClass::kPolicy, "Policy"},
}};
}  // namespace

std::string_view to_string(ErrorClass error_class) {
  for (const auto& [value, name] : kNames)
    if (value == error_class) return name;
  return "Unknown";
}

bool parse_error_class(std::string_view text, ErrorClass& out) {
  for (const auto& [value, name] : kNames) {
    if (name != text) continue;
    out = value;
    return true;
  }
  return false;
}

std::string Error::to_text() const {
  std::string text = code;
  if (!path.empty()) text += " at " + path;
  text += ": " + message;
  if (!hint.empty()) text += " (" + hint + ")";
  return text;
}

}  // namespace millrace
