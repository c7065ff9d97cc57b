#include <pqxx/connection>
#include <pqxx/nontransaction>
#include <vector>

#include "base/check.h"
#include "scheduler/store/postgres_store.h"
#include "scheduler/store/testing/answers.h"
#include "tests/conformance/store_contract.h"
#include "tests/support/flaky_proxy.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::conformance {
namespace {

class PostgresWorld final : public StoreWorld {
 public:
  PostgresWorld() : database_(testing_support::fresh_database()) {
    const Status migrated = scheduler::migrate_store(database_);
    MILLRACE_CHECK(migrated.ok(), migrated.error().to_text());
  }

  scheduler::StorePort& open() override {
    Party& party = *parties_.emplace_back(std::make_unique<Party>());
    scheduler::PostgresStoreOptions options;
    options.connection_string = database_ + " host=" + party.proxy.folder();
    options.leader_lease = seconds(3600);
    options.retry_pause = milliseconds(2);
    party.store = std::make_unique<scheduler::PostgresStore>(
        options, [&party](scheduler::StoreAnswer answer) { party.answers.put(std::move(answer)); },
        [](const Error& error) { MILLRACE_CHECK(false, error.to_text()); });
    return *party.store;
  }
  scheduler::StoreAnswer answer(int store) override {
    auto answer = parties_.at(static_cast<std::size_t>(store))->answers.next();
    MILLRACE_CHECK(answer.has_value(), "the store does not answer");
    return std::move(*answer);
  }
  void lapse() override { ask("UPDATE millrace.leadership SET expires_at = now() RETURNING 0"); }
  void lose_answer(int store) override {
    parties_.at(static_cast<std::size_t>(store))->proxy.lose_commits(1);
  }
  std::uint64_t log_size() override { return ask("SELECT count(*) FROM millrace.log"); }

 private:
  struct Party {
    testing_support::FlakyProxy proxy{testing_support::postgres_server().socket_directory() /
                                      ".s.PGSQL.5432"};
    scheduler::Answers answers;
    std::unique_ptr<scheduler::PostgresStore> store;
  };

  std::uint64_t ask(const char* sql) const {
    pqxx::connection connection(database_);
    pqxx::nontransaction work(connection);
    return work.exec1(sql)[0].as<std::uint64_t>();
  }

  const std::string database_;
  std::vector<std::unique_ptr<Party>> parties_;
};

}  // namespace

std::unique_ptr<StoreWorld> make_postgres_world() { return std::make_unique<PostgresWorld>(); }

}  // namespace millrace::conformance
