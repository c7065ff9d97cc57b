// Errors of this folder: how a place in a SQL text travels in one, as
// "line:column" in its path. Internal to lib/sql; readers use error_position of statement.h.
#pragma once

#include <string>
#include <utility>

#include "base/error.h"
#include "lib/sql/statement.h"

namespace millrace::sql {

inline Error placed(Error error, const Position& position) {
  return std::move(error).at(std::to_string(position.line) + ":" + std::to_string(position.column));
}

}  // namespace millrace::sql
