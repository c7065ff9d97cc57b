#!/usr/bin/env bash
# Builds the tests that are worth a sanitizer (MILLRACE_SANITIZED in CMakeLists.txt) and runs them.
#
#   tools/sanitize.sh asan|tsan [RUN_TESTS-OPTION…]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly preset=$1
shift
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS="suppressions='$PWD/tools/leaks.supp':print_suppressions=0"  # in quotes: a path may hold a space
cmake --preset "$preset"
ninja -C "build/$preset" sanitized_tests
tools/run_tests.py "$@" "build/$preset" -L '^sanitized$'
