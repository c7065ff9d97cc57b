#include "lib/client/problem.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace millrace::client {
namespace {

using Json = nlohmann::json;

std::string text(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

int number(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_number_integer() ? it->get<int>() : 0;
}

bool is_index(std::string_view token) {
  return !token.empty() && std::ranges::all_of(token, [](char c) { return c >= '0' && c <= '9'; });
}

// Of a body that does not say why: no JSON object, or one of somebody else's, such as a proxy.
void say_what_is_known(Problem& problem) {
  if (problem.code.empty()) problem.code = "client.unexpected";
  problem.title = "Unexpected answer";
  problem.detail = "the server answered " + std::to_string(problem.status) + " without saying why";
  if (problem.hint.empty()) problem.hint = "is this the address of a Millrace scheduler?";
}

}  // namespace

std::string Defect::path() const {
  std::string path;
  std::size_t start = 1;
  while (start <= pointer.size() && !pointer.empty()) {
    const std::size_t end = std::min(pointer.find('/', start), pointer.size());
    std::string token;
    for (std::size_t i = start; i < end; ++i) {
      const bool escaped = pointer[i] == '~' && i + 1 < end;
      token += !escaped ? pointer[i] : pointer[++i] == '1' ? '/' : '~';
    }
    if (is_index(token)) {
      path += '[' + token + ']';
    } else {
      path += (path.empty() ? "" : ".") + token;
    }
    start = end + 1;
  }
  return path;
}

Problem parse_problem(int status, std::string_view body) {
  Problem problem;
  problem.status = status;
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    say_what_is_known(problem);
    return problem;
  }
  const std::string type = text(json, "type");
  problem.code = type.substr(type.rfind('/') + 1);  // npos + 1 is 0: the whole
  problem.title = text(json, "title");
  problem.detail = text(json, "detail");
  problem.hint = text(json, "hint");
  problem.error_class = text(json, "class");
  if (const auto errors = json.find("errors"); errors != json.end() && errors->is_array()) {
    for (const Json& error : *errors) {
      if (!error.is_object()) continue;
      problem.defects.push_back({text(error, "code"), text(error, "pointer"), number(error, "line"),
                                 number(error, "column"), text(error, "detail"),
                                 text(error, "hint"), text(error, "subject")});
    }
  }
  if (problem.title.empty() && problem.detail.empty() && problem.defects.empty())
    say_what_is_known(problem);
  return problem;
}

Problem problem_of(const Error& error) {
  Problem problem;
  problem.code = error.code;
  problem.detail = error.message;
  problem.hint = error.hint;
  problem.error_class = std::string(to_string(error.error_class));
  return problem;
}

}  // namespace millrace::client
