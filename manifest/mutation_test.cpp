// No bytes break the parser: seeded mutations of real manifests, and texts made to be slow or deep.
// Each must end, in problems or in documents that are read back as themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "base/contents.h"
#include "manifest/document.h"
#include "manifest/fuzz_entry.h"
#include "manifest/graph.h"
#include "manifest/testing.h"

namespace millrace::manifest {
namespace {

std::vector<std::string> seeds() {
  std::vector<std::string> texts{contents_of_file(testdata() / "flights.yaml")};
  for (const auto& entry : std::filesystem::directory_iterator(testdata() / "errors"))
    if (entry.path().extension() != ".txt") texts.push_back(contents_of_file(entry.path()));
  texts.push_back(canonical_json(parse(texts[0], "flights.yaml").documents.at(0)));
  std::ranges::sort(texts);
  return texts;
}

// Pieces that mean something to YAML or to us.
const std::vector<std::string>& pieces() {
  static const std::vector<std::string> kPieces{"\n",
                                                " ",
                                                "  ",
                                                "\t",
                                                ":",
                                                ": ",
                                                "- ",
                                                "-",
                                                "[",
                                                "]",
                                                "{",
                                                "}",
                                                ",",
                                                "\"",
                                                "'",
                                                "|",
                                                "|\n",
                                                ">",
                                                ">-\n",
                                                "#",
                                                "&a",
                                                "*a",
                                                "!",
                                                "!!str",
                                                "%",
                                                "@",
                                                "`",
                                                "?",
                                                "? ",
                                                "---\n",
                                                "...\n",
                                                "<<",
                                                "~",
                                                "null",
                                                "${{",
                                                "}}",
                                                "${{run.id}}",
                                                "\\u0000",
                                                "\\ud800",
                                                "\\x",
                                                std::string(1, '\0'),
                                                "\xFF",
                                                "\xEF\xBB\xBF",
                                                "é",
                                                "9999999999999999999",
                                                "-1",
                                                "1e9",
                                                "name",
                                                "tasks",
                                                "[[[[[[[[",
                                                "{{{{{{{{",
                                                "- - - - ",
                                                "\r",
                                                "\r\n"};
  return kPieces;
}

std::string mutated(std::string text, std::mt19937& random, const std::vector<std::string>& all) {
  for (auto changes = 1 + random() % 4; changes > 0; --changes) {
    const std::size_t at = text.empty() ? 0 : random() % text.size();
    switch (random() % 6) {
      case 0:
        text.erase(at, 1 + random() % 8);
        break;
      case 1:
        text.insert(at, pieces()[random() % pieces().size()]);
        break;
      case 2:
        if (!text.empty()) text[at] = static_cast<char>(random());
        break;
      case 3:  // a stretch of the text, doubled elsewhere
        text.insert(at, text.substr(text.empty() ? 0 : random() % text.size(), random() % 200));
        break;
      case 4:
        text.resize(at);
        break;
      default: {  // a stretch of another text
        const std::string& other = all[random() % all.size()];
        text.insert(at, other.substr(random() % other.size(), random() % 100));
      }
    }
  }
  return text;
}

TEST(Mutations, end_in_problems_or_sound_documents) {
  const std::vector<std::string> texts = seeds();
  int sound = 0;
  for (unsigned seed = 0; seed < 6'000; ++seed) {
    std::mt19937 random(seed);
    const std::string text = mutated(texts[seed % texts.size()], random, texts);
    SCOPED_TRACE("seed " + std::to_string(seed));
    sound += check_any_bytes(text) ? 1 : 0;
  }
  // Otherwise the mutations are so wild that nothing behind the reader is reached.
  EXPECT_GT(sound, 50);
}

TEST(Mutations, no_text_is_slow) {
  const std::size_t size = 1 << 20;
  const auto repeated = [&](const std::string& piece) {
    std::string text;
    while (text.size() + piece.size() <= size) text += piece;
    return text;
  };
  std::vector<std::string> texts;
  for (const char* piece :
       {"[",   "{",    "- ",  "? ",   "a: ",        "\"", "'",     "a: b\n", "- a\n",
        "[a,", "{a: ", "|\n", "&a ",  "!a ",        "#",  "\n",    "---\n",  "a\n",
        " ",   "\t",   "${{", "[]\n", "? a\n: b\n", "%",  "a:\n ", "\\",     "- [a, b]\n"})
    texts.push_back(repeated(piece));
  const std::string head =
      "apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\nspec:\n  tasks:\n";
  std::string many = head;
  for (int i = 0; many.size() < size - 100; ++i)
    many += "  - {name: t" + std::to_string(i) + ", command: {argv: [/bin/true]}}\n";
  texts.push_back(many);
  std::string dependent = head;
  for (int i = 0; i < 1'000; ++i) {
    dependent +=
        "  - {name: t" + std::to_string(i) + ", command: {argv: [/bin/true]}, dependsOn: [";
    for (int j = std::max(0, i - 120); j < i; ++j) dependent += "t" + std::to_string(j) + ",";
    dependent += "]}\n";
  }
  texts.push_back(dependent);
  for (const std::string& text : texts) {
    const auto start = std::chrono::steady_clock::now();
    check_any_bytes(text);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    // A quadratic reader takes minutes on these; the bound leaves room for sanitizers and a busy
    // machine.
    EXPECT_LT(took.count(), 20.0) << text.substr(0, 20);
  }
}

}  // namespace
}  // namespace millrace::manifest
