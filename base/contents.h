// All that a stream or a file holds, as a text.
#pragma once

#include <filesystem>
#include <istream>
#include <string>

namespace millrace {

// Up to its end, or to where it can't be read any more. That is no exception, as it is for
// std::istreambuf_iterator: a folder that was opened as a file, a process that has gone while its
// file of /proc was read.
std::string contents_of(std::istream& stream);
// Nothing where it can't be opened.
std::string contents_of_file(const std::filesystem::path& path);

}  // namespace millrace
