// Parser: SQL text → Statement, through a millrace-sql process of its own. No engine is linked
// here, and whatever a text does to the parser (crash it, fill its memory, keep it busy) is that
// text's error: the process is ended and the next text finds a new one.
//
//   Parser parser({.program = "/usr/lib/millrace/millrace-sql"});
//   MILLRACE_TRY(statement, parser.analyze("SELECT carrier FROM flights WHERE day = $day"));
#pragma once

#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/units.h"
#include "lib/sql/child_process.h"
#include "lib/sql/statement.h"

namespace millrace::sql {

struct ParserOptions {
  std::string program;           // path of millrace-sql
  Micros deadline = seconds(3);  // wall time for one text; the process itself gives it 1 s of CPU
  Micros start_deadline = seconds(20);  // wall time until a started process says that it is ready
  int max_waiting = 32;                 // callers who may wait for their turn; more are refused
};

// Thread-safe: texts are taken one at a time; analyze blocks, so it is called off an event loop.
class Parser {
 public:
  explicit Parser(ParserOptions options) : options_(std::move(options)) {}

  // The errors of analyze_tree and check_text (analyze.h), and
  //   user:           sql.too_slow, sql.parser_crashed: this text did it
  //   transient:      sql.busy: too many are waiting
  //   infrastructure: sql.parser_unavailable: no process, or one with another engine
  Result<Statement> analyze(std::string_view text);

  // The engine's tree of the text as JSON, unjudged.
  Result<std::string> tree(std::string_view text);

  // The running process, or 0; it changes when one is replaced.
  pid_t process_id() const { return process_id_.load(); }
  // How many processes were started so far.
  int starts() const { return starts_.load(); }
  // How many calls are in analyze or tree now, waiting or at work.
  int callers() const { return callers_.load(); }

 private:
  // The running process, started if there is none.
  Result<ChildProcess*> running();
  Result<std::string> ask(std::string_view text, bool& died);
  // Ends the process and says by which signal it had ended.
  std::optional<int> drop();

  const ParserOptions options_;
  std::atomic<int> callers_ = 0;
  std::atomic<pid_t> process_id_ = 0;
  std::atomic<int> starts_ = 0;
  std::mutex mutex_;  // guards process_
  std::optional<ChildProcess> process_;
};

}  // namespace millrace::sql
