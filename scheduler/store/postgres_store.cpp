#include "scheduler/store/postgres_store.h"

#include <utility>

#include "catalog/catalog.h"
#include "lib/postgres/migrations.h"
#include "scheduler/store/migrations.h"
#include "scheduler/store/store_worker.h"

namespace millrace::scheduler {

PostgresStore::PostgresStore(PostgresStoreOptions options, Answer answer, Fatal fatal)
    : worker_(std::make_unique<Worker>(std::move(options), std::move(answer), std::move(fatal))) {}
PostgresStore::~PostgresStore() = default;

void PostgresStore::campaign(LeaderId self) { worker_->campaign(self); }
void PostgresStore::recover(LeaderEpoch epoch) { worker_->recover(epoch); }
void PostgresStore::commit(BatchRef batch) { worker_->commit(std::move(batch)); }
void PostgresStore::resign() { worker_->resign(); }
StoreHealth PostgresStore::health() const { return worker_->health(); }

Status migrate_store(const std::string& connection_string) {
  MILLRACE_RETURN_IF_ERROR(
      postgres::migrate(connection_string, catalog::kSchema, catalog::migrations()));
  return postgres::migrate(connection_string, kStoreSchema, store_migrations::migrations());
}

}  // namespace millrace::scheduler
