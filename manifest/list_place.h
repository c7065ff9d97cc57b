// Which item of a list, and which field of it, a pointer leads to. Pure; inside manifest/ only.
#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace millrace::manifest {

inline constexpr std::string_view kTasksPointer = "/spec/tasks/";
inline constexpr std::string_view kParametersPointer = "/spec/parameters/";

// /spec/tasks/3/query/sql below /spec/tasks/ is {3, "query"}.
struct ListPlace {
  std::size_t index = 0;
  std::string field;  // empty: the item as a whole
};

inline std::optional<ListPlace> place_below(std::string_view list, std::string_view pointer) {
  if (!pointer.starts_with(list)) return std::nullopt;
  pointer.remove_prefix(list.size());
  ListPlace place;
  const auto [end, error] =
      std::from_chars(pointer.data(), pointer.data() + pointer.size(), place.index);
  if (error != std::errc()) return std::nullopt;
  pointer.remove_prefix(static_cast<std::size_t>(end - pointer.data()));
  if (!pointer.empty()) pointer.remove_prefix(1);
  place.field = pointer.substr(0, pointer.find('/'));
  return place;
}

}  // namespace millrace::manifest
