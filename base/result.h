// Result<T>: a value or an Error. Exceptions of libraries end at the adapter that calls them;
// inside, failure is a value that the type system makes you look at.
//
//   Result<Manifest> parsed = parse(text);
//   if (!parsed.ok()) return parsed.error();
//   use(*parsed);
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/error.h"

namespace millrace {

// Stands for "nothing to return" in Result<void>'s place: Result<Unit>, written Status.
struct Unit {
  friend bool operator==(const Unit&, const Unit&) = default;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  template <typename U = T>
    requires std::is_constructible_v<T, U&&> && (!std::is_same_v<std::remove_cvref_t<U>, Error>) &&
             (!std::is_same_v<std::remove_cvref_t<U>, Result>)
  // NOLINTNEXTLINE(google-explicit-constructor): a value becomes a result by itself
  Result(U&& value) : content_(std::in_place_index<0>, std::forward<U>(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): so does an error
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    MILLRACE_CHECK(ok(), error_text());
    return std::get<0>(content_);
  }
  const T& value() const& {
    MILLRACE_CHECK(ok(), error_text());
    return std::get<0>(content_);
  }
  T&& value() && {
    MILLRACE_CHECK(ok(), error_text());
    return std::get<0>(std::move(content_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    MILLRACE_CHECK(!ok(), "error() of a result that has a value");
    return std::get<1>(content_);
  }
  Error&& error() && {
    MILLRACE_CHECK(!ok(), "error() of a result that has a value");
    return std::get<1>(std::move(content_));
  }

 private:
  std::string error_text() const { return ok() ? std::string() : std::get<1>(content_).to_text(); }
  std::variant<T, Error> content_;
};

using Status = Result<Unit>;
inline Status ok_status() { return Unit{}; }

}  // namespace millrace

// MILLRACE_TRY(name, expression): the value as `name`, or leave the function with the error.
#define MILLRACE_TRY(name, expression)                              \
  auto name##_result = (expression);                                \
  if (!name##_result.ok()) return std::move(name##_result).error(); \
  auto name = std::move(name##_result).value()
// The same for a Status, whose value nobody wants.
#define MILLRACE_RETURN_IF_ERROR(expression)                                           \
  do {                                                                                 \
    if (auto status_ = (expression); !status_.ok()) return std::move(status_).error(); \
  } while (false)
