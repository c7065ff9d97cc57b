// Parameters as a command line gives them: name=value. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/value.h"

namespace millrace::cli {

struct GivenParameter {
  std::string name;
  std::string text;
};

// Errors: usage, for an argument that is no name=value or the second of its name;
// parameter.encoding, for what is no UTF-8 and could not be sent as it is.
Result<std::vector<GivenParameter>> split_parameters(const std::vector<std::string>& arguments);

// What a text stands for where nobody has declared a type: true and false, whole numbers, and text
// for the rest; "5" in double quotes is a text.
manifest::Value value_of_text(const std::string& text);

}  // namespace millrace::cli
