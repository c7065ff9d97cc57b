import unittest

from workshop import WorkshopTest

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(planted LANGUAGES CXX)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)
list(APPEND CMAKE_MODULE_PATH ${PROJECT_SOURCE_DIR}/cmake)
include(Millrace)
millrace_library(lower HEADERS lower.h SOURCES lower.cpp)
millrace_library(upper HEADERS upper.h SOURCES upper.cpp DEPS %s)
millrace_aggregate_targets()
"""


class CMakeChecks(WorkshopTest):
    """That a header compiles alone, and that a library links with what it declares and no more."""

    tools = ("cmake/Millrace.cmake",)

    def build(self, target, upper_header='#pragma once\n#include "lower.h"\n', deps="millrace::lower"):
        self.write("CMakeLists.txt", PROJECT % deps)
        self.write("lower.h", "#pragma once\nstruct Lower {};\nint lower();\n")
        self.write("lower.cpp", '#include "lower.h"\nint lower() { return 1; }\n')
        self.write("upper.h", f"{upper_header}inline Lower upper();\n")
        self.write("upper.cpp", '#include "lower.h"\nint upper_value() { return lower(); }\n')
        self.expect_clean(self.run_tool("cmake", "-S", ".", "-B", "build", "-G", "Ninja"))
        return self.run_tool("ninja", "-C", "build", target)

    def test_what_is_declared_passes(self):
        self.expect_clean(self.build("links_alone"))

    def test_an_undeclared_dependency_is_named(self):
        self.expect_fault(self.build("links_alone", deps=""), "lower()")

    def test_a_header_that_needs_another_before_it(self):
        target = "all_verify_interface_header_sets"
        self.expect_clean(self.build(target, upper_header='#pragma once\n#include "lower.h"\ninline'
                                                          " Lower made() { return {}; }\n"))
        self.expect_fault(self.build(target, upper_header="#pragma once\n"), "upper.h", "Lower")


if __name__ == "__main__":
    unittest.main()
