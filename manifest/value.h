// Value: what a parameter or an output holds. Its type is declared elsewhere, so nothing here
// converts.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace millrace::manifest {

using Value = std::variant<std::string, std::int64_t, bool, std::vector<std::string>>;

}  // namespace millrace::manifest
