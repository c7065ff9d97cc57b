// The named forms of text in manifest/formats.yaml, decided by hand: no regular expression runs on
// outside input. formats_test.cpp holds each against its pattern.
#pragma once

#include <string_view>

#include "manifest/generated/formats.h"

namespace millrace::manifest {

// Whether the text has the form; lengths are the schema's business.
bool has_format(Format format, std::string_view text);

// What a person is told about the form; not for kNone.
const FormatInfo& format_info(Format format);

}  // namespace millrace::manifest
