// The log as a stream of events.
#include <algorithm>
#include <limits>
#include <pqxx/result>
#include <pqxx/transaction_base>
#include <utility>
#include <variant>

#include "scheduler/store/codec.h"
#include "scheduler/store/row_values.h"
#include "scheduler/store/store_reader.h"

namespace millrace::scheduler {
namespace {

// By log_pkey. Bounded by rows and by bytes, for a batch may hold 20,000 events; the first comes in
// any case.
constexpr const char* kBatches = R"(
  SELECT sequence, events FROM (
    SELECT sequence, events, sum(octet_length(events)) OVER (ORDER BY sequence) AS bytes,
           row_number() OVER (ORDER BY sequence) AS n
    FROM (SELECT sequence, events FROM millrace.log WHERE shard = $1 AND sequence >= $2::bigint
          ORDER BY sequence LIMIT 200) AS next
  ) AS page WHERE n = 1 OR bytes <= 4000000 ORDER BY sequence)";

// The run that an event is about; nil: none.
RunId run_of(const Event& event) {
  return std::visit(
      [](const auto& e) -> RunId {
        if constexpr (requires { e.run; }) {
          return e.run;
        } else if constexpr (requires { e.task.run; }) {
          return e.task.run;
        } else if constexpr (requires { e.attempt.run; }) {
          return e.attempt.run;
        } else {
          return {};
        }
      },
      event);
}

// The first batch of which something comes after `after`.
Sequence first_wanted(const EventId& after) {
  const bool whole = after.index == std::numeric_limits<std::uint32_t>::max();
  return std::max(Sequence(1), whole ? after.sequence.next() : after.sequence);
}

// False: there was no room for all of it.
bool take(Sequence sequence, std::vector<Event> events, const EventId& after, RunId run,
          std::size_t limit, LogPage& page) {
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    const EventId id{sequence, i};
    if (id <= after || (!run.is_nil() && run_of(events[i]) != run)) continue;
    if (page.events.size() >= limit) return false;
    page.events.push_back({id, std::move(events[i])});
    page.next = id;
  }
  page.next = EventId::end_of(sequence);
  return true;
}

}  // namespace

Result<LogPage> StoreReader::events(EventId after, RunId run, std::size_t limit) {
  LogPage page;
  MILLRACE_RETURN_IF_ERROR(read([&](postgres::Transaction& transaction) -> Status {
    page = {};
    page.next = after;
    const Sequence first = first_wanted(after);
    Sequence oldest, newest;
    const pqxx::row bounds = transaction.work.exec_params1(
        "SELECT min(sequence), max(sequence) FROM millrace.log WHERE shard = $1", shard_);
    Columns(bounds).into(oldest, newest);
    if (first < oldest) {
      return Error{ErrorClass::kUser, "log.expired",
                   "the events after " + after.to_text() + " are no longer kept",
                   "read the state anew, and go on from its asOf"};
    }
    SpecPool specs;
    Sequence last = newest;
    for (const pqxx::row& row : transaction.work.exec_params(kBatches, shard_, first.value())) {
      Columns columns(row);
      columns.into(last);
      MILLRACE_TRY(
          events, decode_events(postgres::from_bytea(columns.field().c_str()).value_or(""), specs));
      if (!take(last, std::move(events), after, run, limit, page)) return ok_status();
    }
    page.complete = last >= newest;
    return ok_status();
  }));
  return page;
}

}  // namespace millrace::scheduler
