#include "cli/watch.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>

#include "cli/decode.h"
#include "cli/report.h"
#include "cli/screen.h"
#include "cli/watch_text.h"

namespace millrace::cli {
namespace {

constexpr std::chrono::milliseconds kTick{125};  // between drawings: times go on, Ctrl-C is heard

constexpr std::chrono::seconds kFirstPatience{10};

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // what a signal handler may touch

WallTime wall_now() {
  return WallTime(std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count());
}

// The connection was lost (why), or is back (empty).
struct ConnectionNote {
  std::string reason;
};
// Following has ended: with the run, or with a problem.
struct Ended {
  std::optional<client::Problem> problem;
};
using News = std::variant<RunView, ConnectionNote, Ended>;

// From the thread that reads the stream to the one that draws.
class Mailbox {
 public:
  void put(News news) {
    {
      const std::lock_guard lock(mutex_);
      // Only the newest view is worth drawing, but a line for each change needs them all: bounded
      // by the run's own events, which arrive no faster than the scheduler commits them.
      news_.push_back(std::move(news));
    }
    changed_.notify_one();
  }
  std::deque<News> take(std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, at_most, [this] { return !news_.empty(); });
    return std::exchange(news_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<News> news_;
};

// The stream begins with the state of things, so no other request is needed; a gap in the log
// begins it anew.
void follow_run(const client::Client& client, const std::string& name, client::SteadyTime deadline,
                Mailbox& mailbox) {
  RunView run;
  client::Follow follow{.path = {"runs", name, "events"}, .deadline = deadline};
  follow.on_event = [&](const client::ServerEvent& event) {
    const bool ended = apply_event(event, run);
    if (!run.phase.empty())
      mailbox.put(run);  // before the run itself has come, the picture is not whole
    return !ended;
  };
  follow.on_connection = [&](const std::string& reason) { mailbox.put(ConnectionNote{reason}); };
  follow.on_gap = [&]() -> std::optional<std::string> {
    run = RunView();
    return "";
  };
  mailbox.put(Ended{client::follow(client, std::move(follow))});
}

Exit exit_of_run(const RunView& run) {
  if (run.phase == "Succeeded") return Exit::kDone;
  if (run.phase == "Cancelled") return Exit::kCancelled;
  return Exit::kRunFailed;
}

// Shows news as they come: a picture that is redrawn, or a line for each change.
class Display {
 public:
  Display(const WatchOptions& options, Session& session)
      : silent_(options.silent),
        fd_(options.to_stdout ? STDOUT_FILENO : STDERR_FILENO),
        out_(options.to_stdout ? session.out : session.err),
        err_(session.err),
        live_(!options.silent && is_terminal(fd_)),
        screen_(fd_) {}

  void show(const RunView& run) {
    if (!silent_ && !live_)
      for (const std::string& line : changes(run_, run))
        out_ << line << std::endl;  // at once, also into pipes
    run_ = run;
  }
  void tell(const ConnectionNote& note) {
    if (live_) {
      lost_ =
          note.reason;  // a line of the picture: between two drawings nothing else may be written
    } else {
      err_ << connection_text(note.reason) << "\n";
    }
  }
  void tick() {
    if (!live_ || run_.phase.empty()) return;
    const Look look = look_of(fd_);
    std::vector<std::string> lines = picture(run_, wall_now(), look);
    if (!lost_.empty() && !run_.ended()) lines.push_back("no connection; trying again");
    screen_.draw(lines);
  }
  const RunView& run() const { return run_; }

 private:
  bool silent_;
  int fd_;
  std::ostream& out_;
  std::ostream& err_;
  bool live_;
  Screen screen_;
  RunView run_;
  std::string lost_;
};

[[noreturn]] void detach(const std::string& run, Session& session) {
  session.out.flush();
  session.err << "\n"
              << run << " goes on; `millrace watch " << run << "` shows it again, `millrace cancel "
              << run << "` ends it" << std::endl;
  // The stream's thread waits for the server; nothing is left to be put in order.
  std::_Exit(static_cast<int>(Exit::kDetached));
}

}  // namespace

Exit watch_run(const WatchOptions& options, Session& session) {
  const auto deadline = options.timeout ? client::SteadyTime::clock::now() + *options.timeout
                                        : client::SteadyTime::max();
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted.store(true); };
  ::sigaction(SIGINT, &action, nullptr);

  // Without a timeout, a scheduler that was never there is told soon; one that goes away is waited
  // for.
  const auto patience =
      options.timeout ? deadline : client::SteadyTime::clock::now() + kFirstPatience;
  const client::Answer known = session.client.call(
      {.path = {"runs", options.run}, .deadline = deadline, .keep_trying_until = patience});
  if (!known.ok()) return report(session.err, known.problem);

  Display display(options, session);
  Mailbox mailbox;
  std::jthread reader([&] { follow_run(session.client, options.run, deadline, mailbox); });
  while (true) {
    for (News& news : mailbox.take(kTick)) {
      if (auto* run = std::get_if<RunView>(&news)) display.show(*run);
      if (auto* note = std::get_if<ConnectionNote>(&news)) display.tell(*note);
      if (auto* ended = std::get_if<Ended>(&news)) {
        display.tick();
        if (!ended->problem) return exit_of_run(display.run());
        if (ended->problem->code != "client.timeout") return report(session.err, *ended->problem);
        session.err << "error: " << options.run << " has not ended in time; it goes on\n";
        return Exit::kTimeout;
      }
    }
    display.tick();
    if (interrupted.load()) detach(options.run, session);
  }
}

}  // namespace millrace::cli
