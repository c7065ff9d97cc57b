#include "lib/postgres/migrations.h"

#include <exception>
#include <pqxx/connection>
#include <pqxx/transaction>

#include "base/check.h"
#include "lib/postgres/sql_failure.h"

namespace millrace::postgres {
namespace {

// Of the transaction, so that it works behind a pooler of transactions, too.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(7883376118474170213)";

int version_of(pqxx::transaction_base& work, const std::string& table) {
  return work.exec1("SELECT coalesce(max(version), 0) FROM " + table)[0].as<int>();
}

Error newer(const std::string& schema, int version, int known) {
  return Error{ErrorClass::kUser, "postgres.schema_newer",
               "the database's schema \"" + schema + "\" is at version " + std::to_string(version) +
                   ", this program knows " + std::to_string(known),
               "upgrade this program, or point it at another database"};
}

}  // namespace

Status migrate(const std::string& connection_string, const std::string& schema,
               std::span<const Migration> migrations) {
  int known = 0;
  for (const Migration& migration : migrations) {
    MILLRACE_CHECK(migration.version == ++known, "migrations are numbered without gaps");
  }
  try {
    pqxx::connection connection(connection_string);
    pqxx::work work(connection);
    work.exec(kLock);
    const std::string table = work.quote_name(schema) + ".schema_migrations";
    if (work.exec_params("SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND "
                         "tablename = 'schema_migrations'",
                         schema)
            .empty()) {
      work.exec("CREATE SCHEMA IF NOT EXISTS " + work.quote_name(schema));
      work.exec("CREATE TABLE " + table +
                " (version integer PRIMARY KEY, name text NOT NULL, "
                "applied_at timestamptz NOT NULL DEFAULT now())");
    }
    const int version = version_of(work, table);
    if (version > known) return newer(schema, version, known);
    for (const Migration& migration : migrations.subspan(static_cast<std::size_t>(version))) {
      work.exec(std::string(migration.sql));
      work.exec_params("INSERT INTO " + table + " (version, name) VALUES ($1, $2)",
                       migration.version, std::string(migration.name));
    }
    work.commit();
    return ok_status();
  } catch (const std::exception& exception) {
    return sql_failure(exception).to_error();
  }
}

}  // namespace millrace::postgres
