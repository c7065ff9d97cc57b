// The type map: how a text of a CSV field or a JSON value becomes a value of a column, the same for
// every source. docs/types.md is this file in words.
//
// The engine converts (TRY_CAST), and a NULL where there was text is a bad row. Where its cast
// would take a text and lose some of it ("1.5" as BIGINT becomes 2), text_fits() says no
// beforehand. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/column_type.h"

namespace millrace::kernel {

// The SQL that converts `expression`, a VARCHAR; NULL where it can't.
std::string cast_expression(const ColumnType& type, const std::string& expression);

// Whether the engine's cast takes all of the text's meaning. True for texts that it refuses itself.
bool text_fits(const ColumnType& type, std::string_view text);

// Whether a text is an optional minus and digits: the short way to text_fits() for integers.
inline bool is_plain_integer(std::string_view text) {
  const std::size_t begin = !text.empty() && text.front() == '-' ? 1 : 0;
  bool plain = text.size() > begin;
  for (std::size_t i = begin; i < text.size(); ++i)
    plain = plain && static_cast<unsigned char>(text[i] - '0') <= 9;
  return plain;
}

// Whether every text fits, so that the check can be left out.
bool every_text_fits(const ColumnType& type);

}  // namespace millrace::kernel
