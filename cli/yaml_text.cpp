#include "cli/yaml_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

// Plain only where no reader of any YAML can take it for anything but this text.
bool is_plain(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto plain = [&letter](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/' ||
           c == ' ';
  };
  if (text.empty() || !(letter(text.front()) || text.front() == '/') || text.back() == ' ')
    return false;
  if (!std::ranges::all_of(text, plain)) return false;
  std::string lower;
  for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const std::string_view taken : {"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
    if (lower == taken) return false;
  return true;
}

// A text of several lines that ends in one line break stands as a block.
bool is_block(const std::string& text) {
  const std::size_t last = text.find_last_not_of('\n');
  return last != std::string::npos && last + 2 == text.size() && text.find('\n') < last &&
         text.front() != ' ' && text.front() != '\n' && text.front() != '\t' &&
         std::ranges::all_of(
             text, [](char c) { return c == '\n' || static_cast<unsigned char>(c) >= 0x20; });
}

void write(const Json& value, int indent, bool in_sequence, std::string& out);

void write_text(const std::string& text, int indent, std::string& out) {
  if (is_plain(text)) {
    out += text + "\n";
  } else if (is_block(text)) {
    out += "|\n";
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      out += (line.empty() ? "" : std::string(static_cast<std::size_t>(indent), ' ') + line) + "\n";
      at = end + 1;
    }
  } else {
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace) +
           "\n";  // JSON's quotes are YAML's
  }
}

// Behind "key:" or "-", on the same line or below it.
void write_value(const Json& value, int indent, std::string& out) {
  if (value.is_structured() && !value.empty()) {
    out += "\n";
    write(value, indent, false, out);
  } else if (value.is_string()) {
    out += " ";
    write_text(value.get_ref<const std::string&>(), indent, out);
  } else {
    out += " " + value.dump() + "\n";
  }
}

void write(const Json& value, int indent, bool in_sequence, std::string& out) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  bool first = in_sequence;  // the first line of a mapping in a sequence stands behind "- "
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      out += std::exchange(first, false) ? "" : margin;
      out += is_plain(key) ? key : Json(key).dump();
      out += ":";
      write_value(child, child.is_array() ? indent : indent + 2, out);
    }
  } else if (value.is_array()) {
    for (const Json& child : value) {
      out += std::exchange(first, false) ? "" : margin;
      out += "-";
      if (child.is_object() && !child.empty()) {
        out += " ";
        write(child, indent + 2, true, out);
      } else {
        write_value(child, indent + 2, out);
      }
    }
  }
}

}  // namespace

std::string yaml_of_json(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return text;
  std::string out;
  if (json.is_structured() && !json.empty()) {
    write(json, 0, false, out);
  } else {
    write_value(json, 0, out);
    out.erase(0, 1);
  }
  return out;
}

}  // namespace millrace::cli
