// The engine inside millrace-sql: opened closed (no files, no settings, no extensions), asked one
// thing.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::sql {

class Engine {
 public:
  // An infrastructure error, code "sql.parser_unavailable", when the library is another version or
  // does not open.
  static Result<Engine> open();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  // The tree of `text` (UTF-8), or the engine's error, as JSON either way. `exhausted` is set when
  // memory ran out: the answer stands, but the process should not go on.
  std::string tree(std::string_view text, bool& exhausted);

 private:
  struct Handles;
  explicit Engine(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

}  // namespace millrace::sql
