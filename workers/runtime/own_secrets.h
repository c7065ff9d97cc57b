// What of the worker's own must not be read in a task's log: a command runs as the worker's user,
// so it may get at the worker's token and environment, though it is given neither.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::runtime {

// Whether a variable of this name holds a secret, going by the words in it:
// "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "GITHUB_TOKEN".
bool names_a_secret(std::string_view variable);

// The token, and the values of the variables ("NAME=value") that hold secrets: those of 8 bytes and
// more, for a shorter one ("true", "3600") would mask words that are none. Of a value of several
// lines each line, because logs are masked a line at a time.
std::vector<std::string> own_secrets(const std::string& token,
                                     const std::vector<std::string>& environment);

// The environment of this process.
std::vector<std::string> own_environment();

}  // namespace millrace::runtime
