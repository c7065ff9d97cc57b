// Layout: where each thing of a local stack lies, and the checks that a place is ours to use.
//
//   DIRECTORY/stack.json          what runs (record.h); its presence makes the directory a stack's,
//                                 and so do lock and tokens where it is lost
//             up.lock             held while `up` or `down` works
//             tokens/{api,worker} 0600
//             postgres/           the database; elsewhere when its user could not get there
//             data/ scratch/ state/ logs/ files/
//   SOCKETS/worker.sock           below $XDG_RUNTIME_DIR or /tmp: a socket's path ends at 107 bytes
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace millrace::cli {

inline constexpr const char* kDatabase = "postgres";  // its folder, where its user can get there

struct Layout {
  std::filesystem::path directory;  // absolute
  std::filesystem::path sockets;

  std::filesystem::path record() const { return directory / "stack.json"; }
  std::filesystem::path lock() const { return directory / "up.lock"; }
  std::filesystem::path api_token() const { return directory / "tokens" / "api"; }
  std::filesystem::path worker_token() const { return directory / "tokens" / "worker"; }
  std::filesystem::path port_file() const { return directory / "state" / "scheduler.port"; }
  std::filesystem::path data() const { return directory / "data"; }
  std::filesystem::path scratch() const { return directory / "scratch"; }
  std::filesystem::path worker_state() const { return directory / "state" / "worker"; }
  std::filesystem::path logs() const { return directory / "logs"; }
  std::filesystem::path task_logs() const { return directory / "logs" / "tasks"; }
  // What workflows may always read and write.
  std::filesystem::path files() const { return directory / "files"; }
  std::filesystem::path worker_socket() const { return sockets / "worker.sock"; }
};

// From `given`, or MILLRACE_HOME, or ~/.millrace. Error: up.no_home.
Result<std::filesystem::path> stack_directory(const std::string& given);

// Touches nothing.
Layout layout_of(const std::filesystem::path& directory);

// Whether the directory is a stack's though its record is lost: it holds what `up` alone makes.
bool holds_stack(const Layout& layout);

// Makes the directory itself, or checks that it is a stack's or empty. The record comes next,
// before anything else lies there: whatever is cut short then leaves what is known to be a stack's.
// Errors, naming the path: up.directory_in_the_way (a file, somebody else's, or holding other
// things), up.files.
Status make_directory(const Layout& layout);

// Makes what is missing in it, each folder open to us alone. Errors, naming the path:
// up.directory_in_the_way, file.* of lib/ipc for the sockets' folder, up.files.
Status make_folders(const Layout& layout);

// Reads a token, making it first when there is none or an empty file: 256 random bits in hex
// digits, mode 0600. Errors: file.* of lib/ipc when others may read it.
Result<std::string> token_at(const std::filesystem::path& path);

// Stands for a text: other texts have others, and the text can't be had from it.
std::string fingerprint(const std::string& text);

// Replaces a file whole or not at all, mode 0600, synced.
Status replace_file(const std::filesystem::path& path, const std::string& content);

}  // namespace millrace::cli
