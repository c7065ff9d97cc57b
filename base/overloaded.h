// Overloaded{…} makes one visitor out of lambdas, so that std::visit over a variant fails to
// compile when a case is forgotten.
#pragma once

namespace millrace {
template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;
}  // namespace millrace
