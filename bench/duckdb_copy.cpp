// The peer of ingest and of warm runners: one statement in a DuckDB that is open already, timed.
//
//   duckdb_copy THREADS TIMES STATEMENT     a line for each time: microseconds of wall and of CPU
//
// "{n}" in the statement becomes the number of the time, so that each can write a file of its own.
#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "bench/timing.h"
#include "duckdb.h"

namespace {

double process_cpu_micros() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(used.ru_utime) + micros(used.ru_stime);
}

void run(duckdb_connection connection, const std::string& statement) {
  duckdb_result result;
  if (duckdb_query(connection, statement.c_str(), &result) == DuckDBError) {
    std::fprintf(stderr, "duckdb_copy: %s\n", duckdb_result_error(&result));
    std::exit(EXIT_FAILURE);
  }
  duckdb_destroy_result(&result);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("duckdb_copy THREADS TIMES STATEMENT\n", stderr);
    return 2;
  }
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  if (duckdb_open(nullptr, &database) == DuckDBError ||
      duckdb_connect(database, &connection) == DuckDBError)
    return EXIT_FAILURE;
  run(connection, std::string("SET threads = ") + argv[1]);
  int times = 0;
  const char* end = argv[2] + std::strlen(argv[2]);
  if (const auto read = std::from_chars(argv[2], end, times);
      read.ec != std::errc() || read.ptr != end)
    return 2;
  for (int time = 0; time < times; ++time) {
    std::string statement = argv[3];
    for (auto at = statement.find("{n}"); at != std::string::npos; at = statement.find("{n}"))
      statement.replace(at, 3, std::to_string(time));
    const double wall = millrace::bench::wall_micros();
    const double cpu = process_cpu_micros();
    run(connection, statement);
    std::printf("%.0f %.0f\n", millrace::bench::wall_micros() - wall, process_cpu_micros() - cpu);
  }
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  return 0;
}
