#include "workers/kernel/duckdb/storable.h"

#include <utility>

#include "workers/kernel/duckdb/session.h"

namespace millrace::kernel {
namespace {

// A type's name in SQL, as it is stored.
struct Stored {
  std::string sql;
  bool changed = false;  // it is not the type that came
};

Stored stored(duckdb_logical_type type);

// STRUCT("a" BIGINT, …) and UNION(…).
template <typename Count, typename Name, typename Child>
Stored stored_members(const char* kind, duckdb_logical_type type, Count count, Name name_of,
                      Child child_of) {
  Stored all{kind, false};
  bool unnamed = false;
  for (idx_t i = 0; i < count(type); ++i) {
    const std::string name = taken(name_of(type, i));
    const LogicalType child(child_of(type, i));
    const Stored inner = stored(child.get());
    all.changed = all.changed || inner.changed;
    if (name.empty()) {
      unnamed = true;
      continue;
    }
    all.sql.append(i == 0 ? "(" : ", ").append(sql_identifier(name)).append(" ").append(inner.sql);
  }
  // row(1, 2) names nothing, and so has no type that a cast could give: where anything in it or
  // around it changes, it becomes its text.
  if (unnamed) return {"VARCHAR", all.changed};
  all.sql += ")";
  return all;
}

Stored stored_map(duckdb_logical_type type) {
  const LogicalType key(duckdb_map_type_key_type(type));
  const LogicalType value(duckdb_map_type_value_type(type));
  const Stored keys = stored(key.get());
  const Stored values = stored(value.get());
  return {"MAP(" + keys.sql + ", " + values.sql + ")", keys.changed || values.changed};
}

Stored stored(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    // As a double, Parquet's writer would make of them.
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
      return {"DECIMAL(38,0)", true};
    // Parquet's interval has neither microseconds nor a sign, and its times no offset.
    case DUCKDB_TYPE_INTERVAL:
    case DUCKDB_TYPE_TIME_TZ:
    case DUCKDB_TYPE_TIME_NS:
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_BIT:
    case DUCKDB_TYPE_BIGNUM:
      return {"VARCHAR", true};
    case DUCKDB_TYPE_LIST: {
      const LogicalType child(duckdb_list_type_child_type(type));
      const Stored inner = stored(child.get());
      return {inner.sql + "[]", inner.changed};
    }
    case DUCKDB_TYPE_ARRAY: {
      const LogicalType child(duckdb_array_type_child_type(type));
      const Stored inner = stored(child.get());
      return {inner.sql + "[" + std::to_string(duckdb_array_type_array_size(type)) + "]",
              inner.changed};
    }
    case DUCKDB_TYPE_MAP:
      return stored_map(type);
    case DUCKDB_TYPE_STRUCT:
      return stored_members("STRUCT", type, duckdb_struct_type_child_count,
                            duckdb_struct_type_child_name, duckdb_struct_type_child_type);
    case DUCKDB_TYPE_UNION:
      return stored_members("UNION", type, duckdb_union_type_member_count,
                            duckdb_union_type_member_name, duckdb_union_type_member_type);
    // The rest is kept. Its name counts where it is a part of what is not.
    case DUCKDB_TYPE_BOOLEAN:
      return {"BOOLEAN"};
    case DUCKDB_TYPE_TINYINT:
      return {"TINYINT"};
    case DUCKDB_TYPE_SMALLINT:
      return {"SMALLINT"};
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_SQLNULL:
      return {"INTEGER"};
    case DUCKDB_TYPE_BIGINT:
      return {"BIGINT"};
    case DUCKDB_TYPE_UTINYINT:
      return {"UTINYINT"};
    case DUCKDB_TYPE_USMALLINT:
      return {"USMALLINT"};
    case DUCKDB_TYPE_UINTEGER:
      return {"UINTEGER"};
    case DUCKDB_TYPE_UBIGINT:
      return {"UBIGINT"};
    case DUCKDB_TYPE_FLOAT:
      return {"FLOAT"};
    case DUCKDB_TYPE_DOUBLE:
      return {"DOUBLE"};
    case DUCKDB_TYPE_DECIMAL:
      return {"DECIMAL(" + std::to_string(duckdb_decimal_width(type)) + "," +
              std::to_string(duckdb_decimal_scale(type)) + ")"};
    case DUCKDB_TYPE_DATE:
      return {"DATE"};
    case DUCKDB_TYPE_TIME:
      return {"TIME"};
    case DUCKDB_TYPE_TIMESTAMP:
      return {"TIMESTAMP"};
    case DUCKDB_TYPE_TIMESTAMP_S:
      return {"TIMESTAMP_S"};
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return {"TIMESTAMP_MS"};
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return {"TIMESTAMP_NS"};
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return {"TIMESTAMP WITH TIME ZONE"};
    case DUCKDB_TYPE_BLOB:
      return {"BLOB"};
    case DUCKDB_TYPE_UUID:
      return {"UUID"};
    case DUCKDB_TYPE_GEOMETRY:
      return {"GEOMETRY"};
    case DUCKDB_TYPE_VARIANT:
      return {"VARIANT"};
    default:
      return {taken(duckdb_logical_type_get_alias(type)) == "JSON" ? "JSON" : "VARCHAR"};
  }
}

}  // namespace

std::string storable(const std::string& name, duckdb_logical_type type) {
  const Stored as = stored(type);
  const std::string quoted = sql_identifier(name);
  return as.changed ? "CAST(" + quoted + " AS " + as.sql + ") AS " + quoted : quoted;
}

}  // namespace millrace::kernel
