#include "lib/sql/analyze.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/text.h"
#include "lib/sql/error_place.h"
#include "lib/sql/limits.h"
#include "lib/sql/source_map.h"
#include "lib/sql/tree_walk.h"

namespace millrace::sql {
namespace {

using nlohmann::json;

Error malformed(const std::string& what) {
  return Error{ErrorClass::kInfrastructure, "sql.tree_malformed",
               "the parser's answer is no syntax tree: " + what};
}

std::string text_of(const json& node, const char* key) {
  const auto found = node.find(key);
  return found != node.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Error too_large(const std::string& what) {
  return Error{ErrorClass::kUser, "sql.too_large", what}.hint_at(
      "keep long lists of values in a dataset and join with it");
}

// The engine's error about a text, in our words where they say more.
Error parse_error(const json& answer, const SourceMap& source) {
  const std::string type = text_of(answer, "error_type");
  std::string message = text_of(answer, "error_message");
  Position position = source.first_word_position();
  const std::string at = text_of(answer, "position");
  std::size_t characters = 0;
  if (const auto read = std::from_chars(at.data(), at.data() + at.size(), characters);
      !at.empty() && read.ec == std::errc() && read.ptr == at.data() + at.size()) {
    position = source.at_engine_character(characters);
  }
  if (type == "out of memory") return too_large("the statement needs too much memory to be parsed");
  if (type == "too large") return too_large("the statement has too many parts to be parsed");
  if (message.starts_with("Only SELECT statements")) {
    const std::string word(source.first_word().substr(0, 40));
    // A SELECT is refused so only for a PIVOT in it: the parser makes two statements of that. WITH
    // begins other statements, too.
    constexpr std::string_view kBeginSelects[] = {"select", "from",  "with",
                                                  "values", "pivot", "pivot_wider"};
    if (std::ranges::find(kBeginSelects, folded(word)) != std::end(kBeginSelects) &&
        folded(source.text()).find("pivot") != std::string::npos) {
      return placed(Error{ErrorClass::kUser, "sql.not_select",
                          "a query is one SELECT, and PIVOT without the values that become columns "
                          "is several"},
                    position)
          .hint_at("list them: PIVOT (sum(y) FOR x IN ('a', 'b'))");
    }
    return placed(Error{ErrorClass::kUser, "sql.not_select",
                        "a query is one SELECT; this begins with \"" + word + "\""},
                  position)
        .hint_at("a task's result goes where its `into` says; use SELECT, FROM or WITH");
  }
  if (message.starts_with("Max expression depth") || message.starts_with("memory exhausted")) {
    return placed(Error{ErrorClass::kUser, "sql.too_deep", "the statement is nested too deeply"},
                  position)
        .hint_at("split it into tasks, or name its parts in WITH");
  }
  constexpr std::size_t kLongestMessage = 300;
  if (message.size() > kLongestMessage) {
    message.resize(kLongestMessage);
    while (!message.empty() && (static_cast<unsigned char>(message.back()) & 0xC0U) == 0x80U) {
      message.pop_back();
    }
    message += "…";
  }
  if (!message.empty() && message[0] >= 'A' && message[0] <= 'Z' && message.size() > 1 &&
      message[1] >= 'a' && message[1] <= 'z') {
    message[0] = static_cast<char>(message[0] - 'A' + 'a');
  }
  return placed(Error{ErrorClass::kUser, "sql.syntax",
                      message.empty() ? "the text is not SQL" : std::move(message)},
                position);
}

// Where the first byte that is not UTF-8, or is NUL, stands.
std::optional<std::size_t> find_bad_byte(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto byte = [&](std::size_t at) {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    const unsigned lead = byte(i);
    if (lead == 0) return i;
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4) return i;
    const unsigned second = byte(i + 1);
    // Overlong forms, surrogates, and what lies beyond U+10FFFF.
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
      return i;
    }
    for (std::size_t k = 1; k < size; ++k) {
      if ((byte(i + k) & 0xC0U) != 0x80U) return i;
    }
    i += size;
  }
  return std::nullopt;
}

}  // namespace

Status check_text(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return too_large("the text has " + std::to_string(text.size()) + " bytes, more than " +
                     std::to_string(kMaxTextBytes));
  }
  if (const auto bad = find_bad_byte(text)) {
    return placed(Error{ErrorClass::kUser, "sql.encoding",
                        text[*bad] == '\0' ? "the text has a NUL byte" : "the text is not UTF-8"},
                  SourceMap(text.substr(0, *bad)).at(*bad))
        .hint_at("save it as UTF-8");
  }
  return ok_status();
}

Result<Statement> analyze_tree(std::string_view tree, std::string_view text) {
  if (tree.size() > kMaxTreeBytes) {
    return too_large("the statement has too many parts: its syntax tree passes " +
                     std::to_string(kMaxTreeBytes >> 20U) + " MiB");
  }
  const json answer = json::parse(tree, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return malformed("it is no JSON object");
  const SourceMap source(text);
  const auto error = answer.find("error");
  if (error == answer.end() || !error->is_boolean())
    return malformed("it says not whether it failed");
  if (error->get<bool>()) return parse_error(answer, source);
  const auto statements = answer.find("statements");
  if (statements == answer.end() || !statements->is_array())
    return malformed("it has no statements");
  if (statements->empty()) {
    return Error{ErrorClass::kUser, "sql.empty", "the text has no statement"}.hint_at(
        "write one SELECT");
  }
  if (statements->size() > 1) {
    return placed(Error{ErrorClass::kUser, "sql.several_statements",
                        "a query is one SELECT; this text has " +
                            std::to_string(statements->size()) + " statements"},
                  source.second_statement().value_or(source.first_word_position()))
        .hint_at("make a task of each");
  }
  return walk_statement((*statements)[0], source);
}

}  // namespace millrace::sql
