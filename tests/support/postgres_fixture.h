// A real Postgres for tests: one private server a test program, started at first use and gone with
// the program, and as many fresh databases as tests ask for.
//
//   const std::string database = testing_support::fresh_database();
//   pqxx::connection connection(database);
#pragma once

#include <sys/types.h>

#include <string>

#include "lib/postgres/private_postgres.h"

namespace millrace::testing_support {

// Nothing is fsynced. Ends the program when it can't be started: then no test says anything.
const postgres::PrivatePostgres& postgres_server();

// The connection string of a new, empty database on postgres_server().
std::string fresh_database();

// kill -9 of a server; true when it has ended.
[[nodiscard]] bool kill_server(const postgres::PrivatePostgres& server);

// Whether the server's process behind a connection (pg_backend_pid) ends, which it does in its own
// time once the connection is closed.
[[nodiscard]] bool backend_ends(pid_t backend);

// A folder below /tmp that every user of the machine can get to, also when the tests run as root;
// removed at the end of the program.
std::string reachable_folder();

}  // namespace millrace::testing_support
