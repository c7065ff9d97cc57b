#include "workers/runtime/task_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace millrace::runtime {
namespace {

constexpr std::size_t kTailBytes = 2'048;
// A shorter one would mask half the log, and guards nothing.
constexpr std::size_t kShortestSecret = 4;

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace

bool is_path_part(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !name.empty() && name.size() <= 253 && name.front() != '.' && name.front() != '-' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

LineMasker::LineMasker(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  std::erase_if(secrets_,
                [](const std::string& secret) { return secret.size() < kShortestSecret; });
  // The beginning of a huge one masks it well enough, and a part of a line has to end somewhere.
  for (std::string& secret : secrets_) secret.resize(std::min(secret.size(), kMaxLine / 2));
  for (const std::string& secret : secrets_) begins_[static_cast<unsigned char>(secret[0])] = true;
  // A secret that begins another must not leave the other's end readable.
  std::sort(secrets_.begin(), secrets_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string LineMasker::feed(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t room = kMaxLine - partial_.size();
    const std::size_t end = bytes.substr(0, room).find('\n');
    const bool whole = end != std::string_view::npos;
    const std::size_t size = whole ? end + 1 : std::min(room, bytes.size());
    partial_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (whole || partial_.size() >= kMaxLine) out += take(!whole);
  }
  return out;
}

std::string LineMasker::finish() { return take(false); }

bool LineMasker::may_begin(std::string_view end) const {
  return std::ranges::any_of(secrets_, [&](const std::string& secret) {
    return secret.size() > end.size() && secret.starts_with(end);
  });
}

// What has gathered, masked. Of a line that goes on, what may be the beginning of a secret stays.
std::string LineMasker::take(bool line_goes_on) {
  std::string line = std::exchange(partial_, {});
  if (secrets_.empty()) return line;
  std::string out;
  out.reserve(line.size());
  std::string_view rest(line);
  while (!rest.empty()) {
    const auto plain =
        std::ranges::find_if(rest, [&](char c) { return begins_[static_cast<unsigned char>(c)]; });
    out.append(rest.begin(), plain);
    rest.remove_prefix(static_cast<std::size_t>(plain - rest.begin()));
    if (rest.empty()) break;
    if (line_goes_on && may_begin(rest)) {
      partial_ = rest;
      break;
    }
    const auto secret = std::ranges::find_if(
        secrets_, [&](const std::string& candidate) { return rest.starts_with(candidate); });
    out += secret == secrets_.end() ? rest.substr(0, 1) : std::string_view("***");
    rest.remove_prefix(secret == secrets_.end() ? 1 : secret->size());
  }
  return out;
}

bool TaskLog::open() {
  if (fd_) return true;
  if (!error_.empty()) return false;
  std::error_code code;
  std::filesystem::create_directories(file_.parent_path(), code);
  fd_ = process::OwnedFd(
      ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!fd_) error_ = "cannot open \"" + file_.string() + "\": " + std::strerror(errno);
  return static_cast<bool>(fd_);
}

void TaskLog::write(std::string_view bytes) { put(masker_.feed(bytes)); }

void TaskLog::finish() {
  put(masker_.finish());
  fd_.reset();
}

void TaskLog::put(std::string text) {
  if (text.empty()) return;
  tail_ += text;
  if (tail_.size() > kTailBytes) {
    // Of a character that the cut splits, at most three bytes are left: they go too.
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    const auto cut = tail_.cend() - static_cast<std::ptrdiff_t>(kTailBytes);
    tail_.erase(tail_.cbegin(), std::find_if(cut, cut + 3, begins));
  }
  if (capped_ || !open()) return;
  if (static_cast<std::int64_t>(text.size()) > left_.value()) {
    capped_ = true;
    text.resize(static_cast<std::size_t>(left_.value()));
    if (const std::size_t line = text.rfind('\n'); line != std::string::npos) text.resize(line + 1);
    text += "[the log ends here: it reached its limit of " + std::to_string(limit_.value()) +
            " bytes; the attempt goes on]\n";
  }
  left_ = left_ - Bytes(static_cast<std::int64_t>(text.size()));
  // A full disk loses lines, not attempts.
  if (!write_all(fd_.get(), text) && error_.empty())
    error_ = "cannot write \"" + file_.string() + "\": " + std::strerror(errno);
}

}  // namespace millrace::runtime
