# millrace_library, millrace_program, millrace_test: one target a folder, with its tests beside it.
#
#   millrace_library(core HEADERS plan.h … SOURCES plan.cpp … DEPS millrace::base TESTS plan_test.cpp …)
#
# makes millrace::core, the test program core_test (run by ctest), the check that each public header
# compiles alone (VERIFY_INTERFACE_HEADER_SETS) and core_links_alone, a shared library linked with
# --no-undefined from core and nothing but its declared DEPS.
#
# Aggregates of all of them, none part of `all`: links_alone, all_verify_interface_header_sets and
# sanitized_tests (those of MILLRACE_SANITIZED; ctest label "sanitized").
include_guard(GLOBAL)

function(millrace_library name)
  cmake_parse_arguments(arg "" "" "HEADERS;SOURCES;DEPS;PRIVATE_DEPS;TESTS;TEST_DEPS" ${ARGN})
  if(arg_SOURCES)
    set(visibility PUBLIC)
    set(private PRIVATE)
    add_library(millrace_${name} STATIC ${arg_SOURCES})
    # Links nowhere else, so a dependency that is used but not declared fails here, by name.
    file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_links_alone.cpp CONTENT "")
    add_library(${name}_links_alone SHARED EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/${name}_links_alone.cpp)
    target_link_libraries(${name}_links_alone PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,millrace_${name}>")
    target_link_options(${name}_links_alone PRIVATE -Wl,--no-undefined)
    set_property(GLOBAL APPEND PROPERTY MILLRACE_LINKS_ALONE ${name}_links_alone)
  else()
    set(visibility INTERFACE)
    set(private INTERFACE)
    add_library(millrace_${name} INTERFACE)
  endif()
  add_library(millrace::${name} ALIAS millrace_${name})
  target_sources(millrace_${name} ${visibility} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
  target_link_libraries(millrace_${name} ${visibility} ${arg_DEPS} ${private} ${arg_PRIVATE_DEPS})
  if(arg_TESTS)
    millrace_test(${name}_test SOURCES ${arg_TESTS} DEPS millrace::${name} ${arg_TEST_DEPS})
  endif()
endfunction()

function(millrace_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
endfunction()

# A test program. LABELS sorts it into phases (unit is the default); ENVIRONMENT is NAME=value pairs.
function(millrace_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  millrace_program(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS} deps::gtest)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  string(REGEX REPLACE "_test$" "" library ${name})
  if(library IN_LIST MILLRACE_SANITIZED)
    list(APPEND arg_LABELS sanitized)
    set_property(GLOBAL APPEND PROPERTY MILLRACE_SANITIZED_TESTS ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "MILLRACE_SOURCE_DIR=${PROJECT_SOURCE_DIR};MILLRACE_BIN_DIR=${PROJECT_BINARY_DIR}/bin;${arg_ENVIRONMENT}")
endfunction()

# A libFuzzer program, built where MILLRACE_FUZZ is on: LLVMFuzzerTestOneInput in SOURCES. tools/fuzz.sh runs
# them all.
function(millrace_fuzz name)
  if(MILLRACE_FUZZ)
    millrace_program(${name} ${ARGN})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_property(GLOBAL APPEND PROPERTY MILLRACE_FUZZERS ${name})
  endif()
endfunction()

# Called once, after every folder.
function(millrace_aggregate_targets)
  get_property(alone GLOBAL PROPERTY MILLRACE_LINKS_ALONE)
  add_custom_target(links_alone DEPENDS ${alone})
  get_property(sanitized GLOBAL PROPERTY MILLRACE_SANITIZED_TESTS)
  add_custom_target(sanitized_tests DEPENDS ${sanitized})
  get_property(fuzzers GLOBAL PROPERTY MILLRACE_FUZZERS)
  add_custom_target(fuzzers DEPENDS ${fuzzers})
  foreach(library ${MILLRACE_SANITIZED})
    if(MILLRACE_FOLDERS STREQUAL "${MILLRACE_ALL_FOLDERS}" AND NOT ${library}_test IN_LIST sanitized)
      message(FATAL_ERROR "MILLRACE_SANITIZED names \"${library}\", and there is no ${library}_test")
    endif()
  endforeach()
endfunction()
