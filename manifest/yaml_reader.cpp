#include "manifest/yaml_reader.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <cstddef>
#include <exception>
#include <istream>
#include <optional>
#include <streambuf>
#include <string>
#include <utility>

#include "base/utf8.h"

namespace millrace::manifest {
namespace {

// Ends the library's reading from inside one of its events; never leaves this file.
struct Refused {
  Error error;
  std::uint32_t offset;
};

std::uint32_t offset_of(const YAML::Mark& mark) {
  return mark.pos < 0 ? 0 : static_cast<std::uint32_t>(mark.pos);
}

class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const ReadLimits& limits) : limits_(limits) {}

  Node root;
  std::uint32_t begin = 0;  // of the document
  std::uint32_t last_scalar = 0;

  void OnDocumentStart(const YAML::Mark& mark) override { begin = offset_of(mark); }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse_alias(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_alias(mark); }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "?", anchor);
    add(Node{.kind = Node::Kind::kNull,
             .offset = offset_of(mark),
             .text = {},
             .keys = {},
             .items = {}},
        mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    const auto kind = tag == "!" ? Node::Kind::kText : Node::Kind::kPlain;
    last_scalar = offset_of(mark);
    add(Node{.kind = kind, .offset = offset_of(mark), .text = value, .keys = {}, .items = {}},
        mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(Node::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(Node::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  [[noreturn]] static void refuse(const YAML::Mark& mark, const char* code, std::string message,
                                  std::string hint) {
    throw Refused{.error = user_error(code, std::move(message), std::move(hint)),
                  .offset = offset_of(mark)};
  }
  [[noreturn]] static void refuse_alias(const YAML::Mark& mark) {
    refuse(mark, "yaml.alias", "anchors and aliases are not read", "write it out");
  }
  static void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse_alias(mark);
    if (!tag.empty() && tag != "?" && tag != "!")
      refuse(mark, "yaml.tag", "tags are not read", "remove " + in_quotes(tag));
  }

  void start(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor) {
    check(mark, tag, anchor);
    if (open_.size() >= limits_.depth)
      refuse(mark, "document.depth",
             "is nested deeper than " + std::to_string(limits_.depth) + " levels", {});
    add(Node{.kind = kind, .offset = offset_of(mark), .text = {}, .keys = {}, .items = {}}, mark);
    open_.push_back(open_.empty() ? &root : &open_.back()->items.back());
  }

  // A map's keys and values come in turn. Parents don't move while they are open: a list grows only
  // at its end, after its items have closed.
  void add(Node node, const YAML::Mark& mark) {
    if (++nodes_ > limits_.nodes)
      refuse(mark, "document.nodes", "has more than " + std::to_string(limits_.nodes) + " values",
             {});
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    Node& parent = *open_.back();
    if (parent.kind == Node::Kind::kMap && parent.keys.size() == parent.items.size()) {
      if (node.kind != Node::Kind::kPlain && node.kind != Node::Kind::kText)
        refuse(mark, "yaml.key", "a field's name must be text",
               "check the indentation, or put the text in quotes");
      const bool plain = node.kind == Node::Kind::kPlain;
      parent.keys.push_back({.text = std::move(node.text), .offset = node.offset, .plain = plain});
      return;
    }
    parent.items.push_back(std::move(node));
  }

  const ReadLimits& limits_;
  std::vector<Node*> open_;
  std::uint32_t nodes_ = 0;
};

// The library's words, with what usually helps.
Error syntax_error(const std::string& message) {
  std::string hint = "check the indentation, quotes and brackets";
  if (message.find("illegal map value") != std::string::npos)
    hint = "put text that holds a colon and a blank in quotes";
  if (message.find("end of map") != std::string::npos) hint = "check the indentation";
  if (message.find("tab") != std::string::npos) hint = "indent with blanks";
  return user_error("yaml.syntax", message.empty() ? "is no YAML" : "is no YAML: " + message,
                    std::move(hint));
}

// The library takes a quote that is never closed for one that ends with the file.
bool is_open_quote(std::string_view text) {
  const char quote = text.empty() ? '\0' : text.front();
  if (quote != '"' && quote != '\'') return false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      return false;
    }
  }
  return true;
}

// The source's text as the stream that the library wants, without a copy.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(const std::string& text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT: a get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

std::vector<Node> read_yaml(const Source& source, const ReadLimits& limits, Problems& problems) {
  std::vector<Node> documents;
  const std::string& text = source.text();
  const auto refuse = [&](Error error, std::size_t at) {
    problems.push_back(source.problem(std::move(error), {}, source.position(at)));
  };
  if (text.size() > limits.bytes) {
    refuse(user_error("document.size", "is larger than " + std::to_string(limits.bytes) + " bytes"),
           0);
    return documents;
  }
  if (const std::size_t valid = valid_utf8_prefix(text); valid < text.size()) {
    refuse(user_error("document.encoding", "is no UTF-8 here", "save the file as UTF-8"), valid);
    return documents;
  }
  if (const std::size_t zero = text.find('\0'); zero != std::string::npos) {
    refuse(user_error("yaml.syntax", "holds a character with the code 0", "remove it"), zero);
    return documents;
  }
  try {
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    std::optional<std::uint32_t> before;
    while (documents.size() < limits.documents) {
      Builder builder(limits);
      if (!parser.HandleNextDocument(builder)) return documents;
      // Some tokens the library neither takes nor refuses (jbeder/yaml-cpp#1040): documents without
      // end.
      if (before == builder.begin) {
        refuse(syntax_error({}), builder.begin);
        return documents;
      }
      before = builder.begin;
      if (is_open_quote(std::string_view(text).substr(builder.last_scalar))) {
        refuse(user_error("yaml.syntax", "is no YAML: this quote is not closed", "close it"),
               builder.last_scalar);
        return documents;
      }
      if (builder.root.kind != Node::Kind::kNull) documents.push_back(std::move(builder.root));
    }
    refuse(user_error("document.count",
                      "holds more than " + std::to_string(limits.documents) + " documents",
                      "split it"),
           0);
  } catch (Refused& refused) {
    refuse(std::move(refused.error), refused.offset);
  } catch (const YAML::Exception& failure) {
    refuse(syntax_error(failure.msg), offset_of(failure.mark));
  } catch (const std::exception&) {
    refuse(syntax_error({}), 0);
  }
  return documents;
}

}  // namespace millrace::manifest
