# Every third-party library under one name, deps::NAME, wherever it comes from. The list with versions,
# hashes and reasons is deps.lock; tools/bootstrap.sh brings what is missing.
include_guard(GLOBAL)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(GTest REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)

set(MILLRACE_DEPS_DIR ${PROJECT_SOURCE_DIR}/.deps CACHE PATH "Where tools/bootstrap.sh puts what Debian does not have")

function(millrace_pkg_config name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  add_library(deps::${name} ALIAS PkgConfig::${name})
endfunction()
millrace_pkg_config(pqxx libpqxx)
millrace_pkg_config(yaml yaml-cpp)
millrace_pkg_config(grpc grpc++)

function(millrace_interface name)
  cmake_parse_arguments(arg "" "" "LIBS;INCLUDES;DEFINITIONS" ${ARGN})
  add_library(deps_${name} INTERFACE)
  add_library(deps::${name} ALIAS deps_${name})
  target_link_libraries(deps_${name} INTERFACE ${arg_LIBS})
  target_include_directories(deps_${name} SYSTEM INTERFACE ${arg_INCLUDES})
  target_compile_definitions(deps_${name} INTERFACE ${arg_DEFINITIONS})
endfunction()
millrace_interface(protobuf LIBS protobuf::libprotobuf)
millrace_interface(xxhash)  # xxhash.h, inlined
millrace_interface(cli11)  # CLI/*.hpp: likewise
millrace_interface(json)  # nlohmann/json.hpp: headers only, on the system's path
millrace_interface(asio LIBS Threads::Threads
  DEFINITIONS BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_HAS_STD_COROUTINE)
millrace_interface(beast LIBS deps::asio)
millrace_interface(cpprest LIBS cpprest boost_system OpenSSL::SSL OpenSSL::Crypto)
millrace_interface(prometheus LIBS prometheus-cpp-core)
millrace_interface(openssl LIBS OpenSSL::Crypto)
millrace_interface(zlib LIBS ZLIB::ZLIB)
millrace_interface(simdjson LIBS simdjson)
millrace_interface(gtest LIBS GTest::gmock GTest::gtest GTest::gtest_main)

# An installed Arrow (Apache's packages) wins; the wheel's libraries are the route where there is none.
find_package(Arrow QUIET)
find_package(Parquet QUIET)
if(Arrow_FOUND AND Parquet_FOUND)
  millrace_interface(arrow LIBS Arrow::arrow_shared Parquet::parquet_shared)
else()
  set(arrow_lib ${MILLRACE_DEPS_DIR}/arrow/lib)
  millrace_interface(arrow INCLUDES ${MILLRACE_DEPS_DIR}/arrow/include
    LIBS ${arrow_lib}/libparquet.so.2600 ${arrow_lib}/libarrow.so.2600)
endif()
millrace_interface(duckdb INCLUDES ${MILLRACE_DEPS_DIR}/duckdb/include
  LIBS ${MILLRACE_DEPS_DIR}/duckdb/lib/libduckdb.so)
