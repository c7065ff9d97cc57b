#include "cli/documents.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "manifest/problem.h"
#include "manifest/source.h"
#include "manifest/yaml_reader.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = std::size_t{1} << 20;

struct Collection {
  std::string_view kind;
  std::string_view one;
  std::string_view many;
};
constexpr std::array<Collection, 4> kCollections{{{"Workflow", "workflow", "workflows"},
                                                  {"WorkflowRun", "run", "runs"},
                                                  {"Dataset", "dataset", "datasets"},
                                                  {"", "task", "tasks"}}};

Result<std::string> read_stream(std::istream& in, const std::string& source) {
  std::string text;
  std::array<char, 65'536> buffer;
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxFile)
      return Error{ErrorClass::kUser, "file.too_large", "\"" + source + "\" exceeds 1 MiB",
                   "split it into files of fewer manifests"};
  }
  return text;
}

Result<std::vector<fs::path>> paths_of(const std::string& given) {
  std::error_code problem;
  const fs::file_status status = fs::status(given, problem);
  if (!fs::exists(status))
    return Error{ErrorClass::kUser, "file.not_found", "there is no file \"" + given + "\""};
  if (status.type() != fs::file_type::directory) return std::vector<fs::path>{given};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(given, problem)) {
    const std::string extension = entry.path().extension();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json")
      files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

const manifest::Node* member(const manifest::Node& map, std::string_view name) {
  for (std::size_t i = 0; i < map.keys.size(); ++i)
    if (map.keys[i].text == name) return &map.items[i];
  return nullptr;
}

// Only looks for the two words that the address is made of; all judgement is the scheduler's.
void find_kind_and_name(DocumentText& document) {
  const manifest::Source source(document.text, document.place.source);
  manifest::Problems problems;
  const std::vector<manifest::Node> roots =
      manifest::read_yaml(source, manifest::ReadLimits{}, problems);
  if (roots.empty()) return;  // the scheduler's words say where, with line and column
  if (const auto* kind = member(roots.front(), "kind")) document.kind = kind->text;
  if (const auto* metadata = member(roots.front(), "metadata")) {
    if (const auto* name = member(*metadata, "name")) document.name = name->text;
    if (const auto* ns = member(*metadata, "namespace")) document.ns = ns->text;
  }
}

// What stands before a document's first word.
enum class Prologue {
  kNothing,    // blanks, comments, a byte order mark
  kDirective,  // also a %YAML, which is said of the document after the next "---"
  kContent,
};

Prologue prologue_of(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Prologue found = Prologue::kNothing;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == 0 && line[0] == '%') {
      found = Prologue::kDirective;
    } else if (first != std::string_view::npos && line[first] != '#') {
      return Prologue::kContent;
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return found;
}

// What follows a marker ("---", "...") on its line; nothing for a line that begins with none.
std::optional<std::string_view> after_marker(std::string_view line, std::string_view marker) {
  if (!line.starts_with(marker)) return std::nullopt;
  line.remove_prefix(marker.size());
  if (!line.empty() && std::string_view(" \t\r\n").find(line.front()) == std::string_view::npos)
    return std::nullopt;
  return line;
}

}  // namespace

std::vector<DocumentText> split_documents(const std::string& source, const std::string& text) {
  std::vector<DocumentText> documents;
  DocumentText current{{source, 1}, "", "", "", ""};
  int line_number = 0;
  const auto finish = [&](int next_line) {
    if (prologue_of(current.text) != Prologue::kNothing) {
      find_kind_and_name(current);
      documents.push_back(current);
    }
    current = {{source, next_line}, "", "", "", ""};
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1);
    const std::string_view line(text.data() + at, end - at + 1);
    ++line_number;
    at = end + 1;
    if (after_marker(line, "...")) {
      finish(line_number + 1);
      continue;
    }
    const auto rest = after_marker(line, "---");
    if (rest) {
      const bool directive = prologue_of(current.text) == Prologue::kDirective;
      const bool bare = prologue_of(*rest) == Prologue::kNothing;
      if (!directive) finish(bare ? line_number + 1 : line_number);
      if (!directive && bare) continue;
    }
    current.text += line;
  }
  finish(line_number + 1);
  return documents;
}

std::optional<client::Problem> doubled_problem(const std::vector<DocumentText>& documents,
                                               std::size_t index) {
  const DocumentText& document = documents[index];
  if (document.kind.empty() || document.name.empty()) return std::nullopt;
  for (std::size_t before = 0; before < index; ++before) {
    const DocumentText& other = documents[before];
    if (other.kind != document.kind || other.name != document.name || other.ns != document.ns)
      continue;
    client::Problem problem;
    problem.detail = document.kind + " " + document.name + " stands in " + other.place.source +
                     ", line " + std::to_string(other.place.first_line) + ", too";
    problem.hint = "keep one, or give it another name";
    return problem;
  }
  return std::nullopt;
}

DocumentPlace begin_of(const DocumentText& document) {
  return {document.place.source + ":" + std::to_string(document.place.first_line), 1};
}

Error no_documents() {
  return {ErrorClass::kUser, "file.no_documents", "there is no manifest in what is named",
          "give files, or folders that hold *.yaml, *.yml or *.json"};
}

Result<std::vector<FileText>> read_files(const std::vector<std::string>& names, std::istream& in) {
  std::vector<FileText> files;
  for (const std::string& name : names) {
    if (name == "-") {
      MILLRACE_TRY(text, read_stream(in, "<stdin>"));
      files.push_back({"<stdin>", std::move(text)});
      continue;
    }
    MILLRACE_TRY(paths, paths_of(name));
    for (const fs::path& path : paths) {
      std::ifstream file(path, std::ios::binary);
      if (!file)
        return Error{ErrorClass::kUser, "file.failed", "can't read \"" + path.string() + "\"", "",
                     ""};
      MILLRACE_TRY(text, read_stream(file, path.string()));
      files.push_back({path.string(), std::move(text)});
    }
  }
  return files;
}

Result<std::vector<DocumentText>> read_documents(const std::vector<std::string>& names,
                                                 std::istream& in) {
  MILLRACE_TRY(files, read_files(names, in));
  std::vector<DocumentText> documents;
  for (const FileText& file : files)
    for (DocumentText& document : split_documents(file.source, file.text))
      documents.push_back(std::move(document));
  if (documents.empty()) return no_documents();
  return documents;
}

std::string collection_of_kind(const std::string& kind) {
  for (const Collection& collection : kCollections)
    if (!kind.empty() && collection.kind == kind) return std::string(collection.many);
  return "";
}

std::string collection_of_word(const std::string& word) {
  for (const Collection& collection : kCollections)
    if (word == collection.one || word == collection.many) return std::string(collection.many);
  if (word == "snapshot" || word == "snapshots") return "snapshots";
  return "";
}

}  // namespace millrace::cli
