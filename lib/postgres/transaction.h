// Transaction: one of Postgres's, passed between parts whose headers do not know libpqxx. Whoever
// began it commits it; exceptions of libpqxx pass through the others, up to there.
#pragma once

namespace pqxx {
class transaction_base;  // NOLINT(readability-identifier-naming): its own name
}  // namespace pqxx

namespace millrace::postgres {

struct Transaction {
  pqxx::transaction_base& work;
};

}  // namespace millrace::postgres
