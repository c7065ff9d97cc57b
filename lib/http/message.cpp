#include "lib/http/message.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "lib/http/problem.h"

namespace millrace::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [field, value] : fields_)
    if (same_name(field, name)) return value;
  return {};
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(),
                    [name](const auto& field) { return same_name(field.first, name); }));
}

std::string Headers::list(std::string_view name) const {
  std::string all;
  bool first = true;
  for (const auto& [field, value] : fields_) {
    if (!same_name(field, name)) continue;
    if (!std::exchange(first, false)) all += ", ";
    all += value;
  }
  return all;
}

bool Headers::has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [name](const auto& field) { return same_name(field.first, name); });
}

std::optional<std::string> Parameters::get(std::string_view name) const {
  for (const auto& [key, value] : values_)
    if (key == name) return value;
  return std::nullopt;
}

struct Responder::Once {
  explicit Once(std::function<void(Response)> deliver_to) : deliver(std::move(deliver_to)) {}
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;
  ~Once() {
    if (!sent.exchange(true))
      deliver(to_response(Problem{.status = 500,
                                  .code = "http.unanswered",
                                  .title = "Internal error",
                                  .detail = "the request was dropped without an answer"}));
  }

  std::function<void(Response)> deliver;
  std::atomic<bool> sent = false;
};

void Departure::when(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!happened_) {
      callback_ = std::move(callback);
      return;
    }
  }
  callback();
}

void Departure::happen() {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    happened_ = true;
    callback = std::exchange(callback_, nullptr);
  }
  if (callback) callback();
}

Responder::Responder(std::function<void(Response)> deliver, std::shared_ptr<Departure> departure)
    : once_(std::make_shared<Once>(std::move(deliver))), departure_(std::move(departure)) {}

void Responder::send(Response response) const {
  if (!once_->sent.exchange(true)) once_->deliver(std::move(response));
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

}  // namespace millrace::http
